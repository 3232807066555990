"""From runs to figures, a table, a chart and JSON. Pure but for facts() and write()."""

import datetime
import json
import os
import pathlib
import platform
import statistics

import peers
import svg_bars
from speed_workloads import IDLE_PAIR, LARGE, TARGETS, USUAL, WORKLOADS

LABELS = {USUAL: "HAProxy", LARGE: "HAProxy 1 MiB", "direct": "no proxy"}
BY_KEY = {workload.key: workload for workload in WORKLOADS}


def figures_of(run):
    """One run's figures for one unit of work; `busy` is the part of a CPU that the proxy used."""
    workload, seconds = BY_KEY[run["workload"]], run["seconds"]
    units = run["bytes"] / 1e9 if workload.is_bulk else run["exchanges"]
    scale = 1 if workload.is_bulk else 1e6
    # Beside a flood, most of the CPU is the flood's.
    has_cost = units and not workload.flood
    made = {"cpu": run["proxy_cpu_s"] / units * scale if has_cost else None,
            "rate": units / seconds, "busy": run["proxy_cpu_s"] / seconds}
    if not workload.is_bulk:
        made.update(p50=run["p50_us"], p99=run["p99_us"], p999=run["p999_us"])
    return made


def medians(runs):
    """(workload, contender) -> median of each figure over the rounds."""
    grouped = {}
    for run in runs:
        grouped.setdefault((run["workload"], run["contender"]), []).append(figures_of(run))
    return {key: {name: statistics.median(values) for name in group[0]
                  if (values := [one[name] for one in group if one[name] is not None])}
            for key, group in grouped.items()}


def ratio(table, workload, metric, one, other):
    """`one`'s figure in units of `other`'s; None where either is missing or nothing."""
    mine = table.get((workload, one), {}).get(metric)
    theirs = table.get((workload, other), {}).get(metric)
    return mine / theirs if mine is not None and theirs else None


def judge(table, kite):
    """(target, measured ratio to the best rival) of every target that was measured."""
    judged = []
    for target in TARGETS:
        found = [value for rival in target.rivals
                 if (value := ratio(table, target.workload, target.metric, kite, rival))]
        if len(found) == len(target.rivals):
            judged.append((target, min(found) if target.at_least else max(found)))
    return judged


def is_met(target, measured):
    return measured >= target.limit if target.at_least else measured <= target.limit


# -- text ------------------------------------------------------------------------------------------


def number(value, digits=3):
    """That many significant digits, thousands in groups; a dash for nothing."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.{digits}g}"


def label(name):
    return LABELS.get(name, name)


def calls_text(counts, most=6):
    """ "recv 1.0, send 1.0": the calls that happen at least once in fifty units."""
    shown = [f"{name} {number(count, 2)}" for name, count in counts.items() if count >= 0.02]
    return ", ".join(shown[:most])


HEADINGS = ("", "CPU", "of HAProxy", "of HAProxy 1 MiB", "rate", "proxy's CPU busy", "p50 ms",
            "p99 ms", "p99.9 ms")


def row(table, workload, name):
    figures = table.get((workload.key, name), {})
    ms = [None if (value := figures.get(key)) is None else value / 1000
          for key in ("p50", "p99", "p999")]
    is_proxy = name != "direct"
    return [label(name), number(figures.get("cpu")) if is_proxy else "-",
            number(ratio(table, workload.key, "cpu", name, USUAL), 2) if is_proxy else "-",
            number(ratio(table, workload.key, "cpu", name, LARGE), 2) if is_proxy else "-",
            number(figures.get("rate")),
            f"{figures['busy']:.0%}" if figures and is_proxy else "-", *map(number, ms)]


def section(workload, table, names, calls):
    """The Markdown of one workload."""
    cpu, rate = ("s/GB", "GB/s") if workload.is_bulk else ("us", "/s")
    headings = [{"CPU": f"CPU {cpu}", "rate": rate}.get(text, text) for text in HEADINGS]
    present = [name for name in names if (workload.key, name) in table]
    columns = 6 if workload.is_bulk else len(headings)
    rows = [headings, ["---"] * len(headings), *(row(table, workload, name) for name in present)]
    lines = [f"### {workload.title}", "",
             *("| " + " | ".join(one[:columns]) + " |" for one in rows)]
    counted = [f"- {label(name)}: {number(sum(counts.values()))} ({calls_text(counts)})"
               for name, counts in calls.items() if counts]
    if counted:
        lines += ["", f"System calls for one {workload.unit}:", "", *counted]
    return "\n".join(lines) + "\n"


def targets_section(table, kite):
    lines = ["## Targets", "", "| work | of | at | measured | |", "|---|---|---|---|---|"]
    for target, measured in judge(table, kite):
        sign = ">=" if target.at_least else "<="
        note = f" ({target.note})" if target.note else ""
        rivals = " or ".join(map(label, target.rivals))
        lines.append(f"| {BY_KEY[target.workload].title}: {target.metric} "
                     f"| {rivals} | {sign} {target.limit:.2f}{note} | {measured:.2f} "
                     f"| {'met' if is_met(target, measured) else '**missed**'} |")
    busy, free, limit = IDLE_PAIR
    mine = [table.get((key, kite), {}).get("cpu") for key in (busy, free)]
    if all(mine):
        measured = mine[0] / mine[1]
        lines.append(f"| {BY_KEY[busy].title}: cpu | itself without | <= {limit:.2f} "
                     f"| {measured:.2f} | {'met' if measured <= limit else '**missed**'} |")
    return "\n".join(lines) + "\n"


def section_of(workload, runs, calls):
    """The Markdown of one workload from its runs alone."""
    return section(workload, medians(runs), list(dict.fromkeys(run["contender"] for run in runs)),
                   calls)


def chart(workloads, names, table):
    """SVG: a panel for each workload, a bar for the CPU that each proxy takes."""
    panels = []
    for workload in workloads:
        unit = "s/GB" if workload.is_bulk else "us"
        costs = [(label(name), table.get((workload.key, name), {}).get("cpu")) for name in names]
        bars = [(name, cost, f"{number(cost)} {unit}") for name, cost in costs if cost]
        if bars:
            panels.append((workload.title, bars, None))
    return svg_bars.chart("CPU time of the proxy for a gigabyte, a connection or a request", panels,
                          "Less is better; each panel has its own scale.")


# -- files -----------------------------------------------------------------------------------------


def facts(options, seconds):
    """When, where and with what."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)), "congestion_control": congestion_control(),
        "versions": {"kite": peers.Kite.version(), "haproxy": peers.Haproxy.version(),
                     "nginx": peers.Nginx.version()},
        "rounds": options.rounds, "seconds_each": options.seconds, "pinned": options.pin,
        "seconds": seconds,
    }


def congestion_control():
    return pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def markdown(facts_, names, workloads, table, calls, failures):
    versions = ", ".join(f"{name} {text}" for name, text in facts_["versions"].items())
    head = (f"# Speed\n\n{facts_['date']}, {facts_['kernel']}, {facts_['cpus']} CPUs, "
            f"{facts_['congestion_control']}; {versions}. Medians of at least {facts_['rounds']} "
            f"rounds of {facts_['seconds_each']:g} s, over loopback, one thread each; CPU is the "
            "proxy's own, every byte was compared.\n")
    failed = ["## Failures\n", *(f"- {text}" for text in failures), ""] if failures else []
    return "\n".join([head, *failed, targets_section(table, names[0]), "## Figures\n",
                      *(section(one, table, names, calls.get(one.key, {})) for one in workloads)])


def as_json(facts_, names, table, bench):
    figures = [{"workload": workload, "contender": contender, **values}
               for (workload, contender), values in table.items()]
    targets = [{"workload": target.workload, "metric": target.metric, "rivals": target.rivals,
                "limit": target.limit, "measured": measured, "met": is_met(target, measured)}
               for target, measured in judge(table, names[0])]
    return {"facts": facts_, "medians": figures, "targets": targets,
            "failures": [one._asdict() for one in bench.failures],
            "system_calls": bench.calls, "runs": bench.runs}


def write(folder, facts_, names, workloads, bench):
    """speed.md, speed.svg and speed.json in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    table = medians(bench.runs)
    (folder / "speed.md").write_text(
        markdown(facts_, names, workloads, table, bench.calls, bench.failures))
    (folder / "speed.svg").write_text(chart(workloads, names, table))
    (folder / "speed.json").write_text(
        json.dumps(as_json(facts_, names, table, bench), indent=1) + "\n")
