"""What Prometheus' own tools say of the metrics, the alert rules and the dashboard."""

import json
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
            yield panel["title"], query["expr"].replace("$__rate_interval", "1m")


@pytest.fixture
def scraped(scenario, start_kite, port, tmp_path):
    """Asks a Prometheus that scrapes a kite with traffic; `metrics` is what the kite says."""
    for host in ("127.0.0.2", "127.0.0.3"):
        scenario.bridge(port, name_then_echo, host=host)
    admin, web = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    start_kite(f"-admin={admin}").wait_listening(port)
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

    def ask(expression):
        query = urllib.parse.urlencode({"query": expression})
        try:
            return json.loads(fetch(f"http://{web}/api/v1/query?{query}"))["data"]["result"]
        except OSError:
            return []

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
    # Every query of the dashboard is understood, and those that need no incident have an answer.
    empty_when_well = ("throttled", "failures", "unserved", "without_backend", "expiry")
    for panel, expression in expressions():
        answer = scraped(expression)
        quiet = any(word in expression for word in empty_when_well)
        assert answer or quiet, f"{panel}: {expression}"


def test_the_dashboard_and_the_rules_use_metrics_that_exist(scraped):
    known = set(re.findall(r"^# TYPE (\S+)", scraped.metrics, re.MULTILINE))
    used = set()
    for text in [RULES.read_text(), *(expression for _, expression in expressions())]:
        for name in re.findall(r"\bkite_[a-z_]+", text):
            used.add(re.sub(r"_(bucket|sum|count)$", "", name))
    optional = {"kite_credentials_expiry_timestamp_seconds"}  # these keys do not expire
    assert used and used - known <= optional, used - known


def test_promtool_finds_no_fault_with_the_rules():
    checked = subprocess.run([tool("promtool", "prometheus"), "check", "rules", str(RULES)],
                             capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked
    assert "SUCCESS" in checked.stdout
