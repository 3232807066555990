"""The pure parts of the speed bench: figures, medians, targets, table, chart, strace's table."""

import xml.etree.ElementTree as ElementTree

import pytest
import speed
import speed_readme
import speed_report
from speed_load import parse_counts
from speed_workloads import IDLE_PAIR, LARGE, NGINX, TARGETS, USUAL, WORKLOADS, Target

DOWN, CONNECT = "down-4", "connect-32"


def bulk_run(contender, cpu, gigabytes=2.0, seconds=1.0, workload=DOWN):
    return {"workload": workload, "contender": contender, "seconds": seconds,
            "bytes": gigabytes * 1e9, "exchanges": 0, "proxy_cpu_s": cpu}


def exchange_run(contender, cpu, p99_us, exchanges=10_000, workload=CONNECT):
    return {"workload": workload, "contender": contender, "seconds": 1.0, "bytes": 0,
            "exchanges": exchanges, "proxy_cpu_s": cpu, "p50_us": 1, "p99_us": p99_us,
            "p999_us": 3}


def test_the_figures_of_bulk_are_for_a_gigabyte():
    figures = speed_report.figures_of(bulk_run("kite", 0.5, gigabytes=2, seconds=4))
    assert figures == {"cpu": 0.25, "rate": 0.5, "busy": 0.125}


def test_the_figures_of_exchanges_are_for_one_in_microseconds():
    figures = speed_report.figures_of(exchange_run("kite", 0.5, 900))
    assert figures["cpu"] == pytest.approx(50) and figures["rate"] == 10_000
    assert figures["p99"] == 900


def test_a_run_without_a_single_exchange_has_no_cost():
    assert speed_report.figures_of(exchange_run("kite", 0.5, 0, exchanges=0))["cpu"] is None


def test_one_wild_round_does_not_move_the_median():
    table = speed_report.medians([bulk_run("kite", cpu) for cpu in (0.4, 9.0, 0.5)])
    assert table[(DOWN, "kite")]["cpu"] == 0.25


def test_a_ratio_needs_both():
    table = speed_report.medians([bulk_run("kite", 0.4), bulk_run(USUAL, 0.8)])
    assert speed_report.ratio(table, DOWN, "cpu", "kite", USUAL) == 0.5
    assert speed_report.ratio(table, DOWN, "cpu", "kite", NGINX) is None


def judged(runs, workload, metric, rivals):
    table = speed_report.medians(runs)
    return [measured for target, measured in speed_report.judge(table, "kite")
            if (target.workload, target.metric, target.rivals) == (workload, metric, rivals)]


def test_costs_are_held_against_the_better_rival():
    runs = [exchange_run("kite", 0.3, 50), exchange_run(USUAL, 0.6, 100),
            exchange_run(NGINX, 0.4, 200)]
    assert judged(runs, CONNECT, "cpu", (USUAL, NGINX)) == [pytest.approx(0.75)]
    assert judged(runs, CONNECT, "p99", (USUAL, NGINX)) == [0.5]


def test_a_target_without_its_rivals_is_not_judged():
    assert judged([exchange_run("kite", 0.3, 50), exchange_run(USUAL, 0.6, 100)], CONNECT, "cpu",
                  (USUAL, NGINX)) == []


@pytest.mark.parametrize("metric, measured, met", [
    ("cpu", 0.90, True), ("cpu", 0.91, False), ("rate", 0.90, True), ("rate", 0.89, False)])
def test_a_target_is_met_up_to_its_value(metric, measured, met):
    assert speed_report.is_met(Target(DOWN, metric, (USUAL,), 0.90), measured) == met


def test_every_target_is_of_a_workload():
    keys = {workload.key for workload in WORKLOADS}
    assert len(keys) == len(WORKLOADS)
    assert {target.workload for target in TARGETS} | set(IDLE_PAIR[:2]) <= keys


def test_the_short_bench_has_a_target_of_each_kind():
    short = [one.key for one in speed.parse(["--quick"]).workloads]
    assert len(short) < len(WORKLOADS)
    assert {target.metric for target in TARGETS if target.workload in short} == {
        "cpu", "rate", "p99"}


@pytest.mark.parametrize("arguments", [["--only", "nonsense"], ["--peers", "nonsense"]])
def test_what_there_is_not_is_refused(arguments):
    with pytest.raises(SystemExit):
        speed.parse(arguments)


@pytest.mark.parametrize("value, text", [
    (None, "-"), (0.2071, "0.207"), (12.34, "12.3"), (84321.7, "84,322"), (999.6, "1,000"),
    (0.00001234, "1.23e-05"), (1, "1")])
def test_numbers_have_three_digits(value, text):
    assert speed_report.number(value) == text


def test_counts_of_system_calls_are_read():
    table = ("    calls syscall\n--------- ----------------\n     6100 splice\n"
             "       34 epoll_wait\n--------- ----------------\n     6134 total\n")
    assert parse_counts(table) == {"splice": 6100, "epoll_wait": 34}


def test_a_fixed_rate_is_traced_at_a_twentieth():
    traced = {one.key: one.traced_arguments for one in WORKLOADS}
    assert "-rate=1000" in traced["rr-64-200-at-20000"]
    assert traced[DOWN] == next(one.arguments for one in WORKLOADS if one.key == DOWN)


FACTS = {"date": "2026-01-02", "kernel": "6.1", "cpus": 2, "congestion_control": "cubic",
         "versions": {"kite": "1"}, "rounds": 3, "seconds_each": 1.0, "seconds": 60}


def test_the_report_says_met_missed_and_failed():
    runs = [bulk_run("kite", 0.2), bulk_run(USUAL, 0.8), bulk_run(LARGE, 0.2)]
    names, workloads = ["kite", USUAL, LARGE], [one for one in WORKLOADS if one.key == DOWN]
    text = speed_report.markdown(FACTS, names, workloads, speed_report.medians(runs),
                                 {DOWN: {"kite": {"splice": 2000.0}}}, ["it broke"])
    assert "| HAProxy | <= 0.40 | 0.25 | met |" in text
    assert "| HAProxy 1 MiB | <= 0.90 | 1.00 | **missed** |" in text
    assert "- it broke" in text and "- kite: 2,000 (splice 2,000)" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| kite")}
    assert widths == {7}


def test_the_chart_is_well_formed_and_has_a_bar_for_each():
    runs = [bulk_run("kite & co", 0.2), bulk_run(USUAL, 0.8), bulk_run("direct", 0.0)]
    names = ["kite & co", USUAL, "direct"]
    text = speed_report.chart([WORKLOADS[0]], names, speed_report.medians(runs))
    bars = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}rect")
    assert len(list(bars)) == 2


def test_the_readme_gets_the_rows_that_were_measured_for_all():
    cost = {USUAL: 0.8, LARGE: 0.25, NGINX: 0.9, "kite": 0.2}
    medians = [{"workload": DOWN, "contender": name, "cpu": one} for name, one in cost.items()]
    medians.append({"workload": CONNECT, "contender": "kite", "cpu": 50})
    lines = speed_readme.table({"medians": medians}).splitlines()
    assert lines[2:] == [
        "| bulk down, 4 connections | 0.2 s/GB | 0.8 s/GB | 0.25 s/GB | 0.9 s/GB |"]
    lost = {"workload": "bulk", "contender": USUAL, "why": "no receipt"}
    assert "- HAProxy, bulk: no receipt" in speed_readme.lost_rounds([lost])
    assert speed_readme.lost_rounds([]) == ""
    text = f"a\n{speed_readme.BEGIN}\nold\n{speed_readme.END}\nb\n"
    assert speed_readme.between_markers(text, "new") == text.replace("old", "new")
