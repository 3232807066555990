"""Fixtures of the end-to-end tests: a local AWS, backends, kites that are judged at the end."""

import os
import subprocess
import urllib.parse

import pytest
from fake_aws.client import (FakeAws, awsvpc_task, bridge_task, instance, task_definition)

from backends import Farm, identify
from kite import ROOT, Kite, binary
from secrecy import Told
from waiting import free_port

CLUSTER, FAMILY, CONTAINER = "default", "web", "app"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes longer than ten seconds")


@pytest.fixture(scope="session", autouse=True)
def program_is_built():
    """A suite without its program has failed; skipped, it would look well."""
    if not os.path.exists(binary()):
        pytest.fail(f"{binary()} is not built: make all", pytrace=False)


class Scenario:
    """A local AWS and backends that grow together: every method starts a backend and tells AWS."""

    def __init__(self, aws, farm):
        self.aws, self.farm = aws, farm
        self._instances = {}

    def instance(self, host, public_ip=None, cluster=CLUSTER, **extra):
        """The EC2 instance (and container instance) with this address, made at first use."""
        key = (host, cluster)
        if key not in self._instances:
            made = instance(host, public_ip=public_ip, **extra)
            self._instances[key] = self.aws.put_instance(made, cluster)
        return self._instances[key]

    def bridge(self, container_port, habit=identify, host="127.0.0.2", revision=7, name=None,
               family=FAMILY, container=CONTAINER, cluster=CLUSTER, **members):
        """A bridge task with one dynamic port; returns (task id, backend)."""
        backend = self.farm.serve(habit, host, name=name)
        task = bridge_task(cluster, family, revision, container, [(container_port, backend.port)],
                           self.instance(host, cluster=cluster), **members)
        return self.aws.put_task(task), backend

    def bridge_at(self, container_port, host, port, **members):
        """A bridge task at an address where a test itself listens, or nobody; returns its id."""
        task = bridge_task(CLUSTER, FAMILY, 7, CONTAINER, [(container_port, port)],
                           self.instance(host), **members)
        return self.aws.put_task(task)

    def awsvpc(self, port, host, habit=identify, on=None, revision=9, name=None, **members):
        """An awsvpc task (Fargate unless `on` an instance's address) and its definition."""
        backend = self.farm.serve(habit, host, port, name)
        self.aws.put_task_definition(
            task_definition(FAMILY, revision, "awsvpc", {CONTAINER: [port]}))
        task = awsvpc_task(CLUSTER, FAMILY, revision, CONTAINER, host,
                           self.instance(on) if on else None, **members)
        return self.aws.put_task(task), backend

    def settle(self, polls=1):
        """Until `polls` whole poll cycles have begun and ended from now on: a cycle ends before the
        next one lists."""
        self.aws.wait_for_calls("ecs", "ListTasks", polls + 1, timeout=15.0 + 5 * polls)


@pytest.fixture
def sayings():
    """What the program says in this test."""
    return Told()


@pytest.fixture(autouse=True)
def no_secret_is_told(monkeypatch, sayings):
    """In no test does a kite or a command write, or show on a page, what is secret."""
    handed_out = set()
    close = FakeAws.close

    def close_asked(aws):
        if aws.is_open:
            handed_out.update(aws.secrets())
        close(aws)

    monkeypatch.setattr(FakeAws, "close", close_asked)
    monkeypatch.setattr(subprocess, "run", sayings.run(subprocess.run, binary()))
    yield
    sayings.check(handed_out)


@pytest.fixture
def aws():
    with FakeAws() as made:
        yield made


@pytest.fixture
def farm():
    made = Farm()
    yield made
    made.close()


@pytest.fixture
def scenario(aws, farm):
    return Scenario(aws, farm)


@pytest.fixture
def port():
    """A port free on every local address: the container port of most tests."""
    return free_port()


@pytest.fixture
def start_kite(aws, request, sayings):
    """Starts kites: start_kite(*flags, **options). Each is judged when the test is over.

    By default: container `app` of family `web`, bound to 127.0.0.1, one poll a second, no drain at
    the end. A flag given replaces the default of its name; env adds to, or replaces, the
    environment.
    """
    started = []

    def start(*flags, env=None, defaults=True, **options):
        chosen = {} if not defaults else {
            "-name": CONTAINER, "-family": FAMILY, "-bind": "127.0.0.1", "-poll": "1s-1s",
            "-drain-timeout": "0",
            "-admin": "off",
            "-loglevel": os.environ.get("KITE_E2E_LOGLEVEL", "info")}
        given = {flag.partition("=")[0] for flag in flags}
        if "-service" in given:
            chosen.pop("-family", None)
        if "-namespace" in given:
            chosen.pop("-name", None)
        kept = [f"{name}={value}" for name, value in chosen.items() if name not in given]
        ports = [urllib.parse.urlsplit(url).port for url in aws.urls.values()]
        made = Kite([*kept, *flags], aws.env() if env is None else env, ports, **options)
        started.append(made)
        return made

    yield start
    failed = getattr(request.node, "call_report", None)
    try:
        for kite in started:
            if failed is not None and failed.failed:
                print(f"\nkite {kite.flags}\n{kite.log_text()}")
                kite.kill()
            else:
                kite.judge()
    finally:
        for kite in started:
            kite.kill()
            sayings.environments.append(kite.env)
            sayings.add("the log", kite.log_text())
            sayings.add("stdout", kite.output())
            sayings.add("a page", *kite.pages)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.call_report = report


@pytest.fixture(scope="session")
def traffic_tool():
    """The traffic program, named by KITE_TRAFFIC."""
    path = (ROOT / os.environ.get("KITE_TRAFFIC", "build/release/traffic")).resolve()
    if not path.exists():
        pytest.fail(f"{path} is not built: make build/release/traffic", pytrace=False)
    return str(path)
