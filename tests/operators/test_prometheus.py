"""What Prometheus' own tools say of the metrics, the alert rules and the dashboard."""

import json
import pathlib
import re
import subprocess
import urllib.parse
import urllib.request

import pytest
from backends import name_then_echo
from clients import names
from kite import ROOT
from waiting import eventually, free_port

from tools import tool

RULES = ROOT / "examples" / "monitoring" / "alerts.yml"
FIRINGS = pathlib.Path(__file__).with_name("alerts_test.yml")
DASHBOARD = ROOT / "examples" / "monitoring" / "dashboard.json"


def fetch(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()


def expressions():
    """(panel, expression) of every query of the dashboard."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for query in panel.get("targets", []):
            expression = query["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], expression.replace("$instance", ".*")


@pytest.fixture
def scraped(scenario, start_kite, port, tmp_path):
    """Asks a Prometheus that scrapes a kite with traffic; `metrics` is what the kite says."""
    for host in ("127.0.0.2", "127.0.0.3"):
        scenario.bridge(port, name_then_echo, host=host)
    scenario.bridge(port, host="127.0.0.4", lastStatus="PENDING")
    admin, web = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    env = scenario.aws.env("container")  # credentials that expire, as those of a task do
    start_kite(f"-admin={admin}", env=env).wait_listening(port)
    scenario.settle()
    names(port, 30)
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: kite, static_configs: [{{targets: ['{admin}']}}]}}\n")
    server = subprocess.Popen(
        [tool("prometheus", "prometheus"), f"--config.file={config}",
         f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address={web}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def api(path, **query):
        page = fetch(f"http://{web}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        return json.loads(page)["data"]

    def ask(expression):
        try:
            return api("query", query=expression)["result"]
        except OSError:
            return []

    ask.api, ask.admin = api, admin

    ask.metrics = fetch(f"http://{admin}/metrics")
    yield ask
    server.terminate()
    server.wait(20)


def test_promtool_finds_no_fault_and_prometheus_answers_the_dashboard(scraped, port):
    checked = subprocess.run([tool("promtool", "prometheus"), "check", "metrics"],
                             input=scraped.metrics, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and not checked.stdout and not checked.stderr, checked

    def value(expression):
        found = scraped(expression)
        return float(found[0]["value"][1]) if found else None

    eventually(lambda: value("count_over_time(kite_ready[1h]) >= 3") is not None, 60,
               "three scrapes")
    accepted = f'sum(kite_connections_accepted_total{{port="{port}"}})'
    assert value(accepted) >= 30
    assert value("sum(kite_snapshot_backends)") == 2
    assert value("sum(kite_backend_connections_total)") == value("sum(kite_tunnels_opened_total)")
    for panel, expression in expressions():
        assert scraped(expression), f"{panel}: {expression}"
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    (kites,) = [each for each in board["templating"]["list"] if each["name"] == "instance"]
    assert kites["query"]["query"] == "label_values(kite_ready, instance)"
    assert scraped.api("label/instance/values", **{"match[]": "kite_ready"}) == [scraped.admin]


def test_the_dashboard_and_the_rules_use_metrics_that_exist(scraped):
    known = set(re.findall(r"^# TYPE (\S+)", scraped.metrics, re.MULTILINE))
    used = set()
    for text in [RULES.read_text(), *(expression for _, expression in expressions())]:
        for name in re.findall(r"\bkite_[a-z_]+", text):
            used.add(re.sub(r"_(bucket|sum|count)$", "", name))
    assert used and used <= known, used - known


def test_promtool_finds_no_fault_with_the_rules():
    checked = subprocess.run([tool("promtool", "prometheus"), "check", "rules", str(RULES)],
                             capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked
    assert "SUCCESS" in checked.stdout


def test_every_rule_fires_when_it_should_and_not_before(tmp_path):
    firings = FIRINGS.read_text(encoding="utf-8")
    named = re.findall(r"alert: (\w+)", RULES.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(set(re.findall(r"alertname: (\w+)", firings)))
    copy = tmp_path / "alerts_test.yml"
    copy.write_text(firings.replace("alerts.yml", str(RULES)), encoding="utf-8")
    tested = subprocess.run([tool("promtool", "prometheus"), "test", "rules", str(copy)],
                            capture_output=True, text=True, timeout=60)
    assert tested.returncode == 0 and "SUCCESS" in tested.stdout, tested
