"""What several targets on one cluster cost together, and that each hears of its own changes."""

import time

import pytest
from fake_aws import builders
from fake_aws.client import fault

from backends import identify
from clients import names, wait_for_names
from conftest import CLUSTER
from waiting import eventually, free_port


class Three:
    """Two families on one instance; of the first, two containers are targets."""

    def __init__(self, scenario):
        self.scenario, self.aws = scenario, scenario.aws
        self.inner = {"app": free_port(), "side": free_port(), "db": free_port()}
        self.ports = {name: free_port() for name in self.inner}
        self.web, self.app, self.side = self.start_web()
        self.db, self.database = scenario.bridge(self.inner["db"], family="db", container="db")

    def start_web(self):
        """A task of two containers; returns (task id, backend of each)."""
        app, side = (self.scenario.farm.serve(identify, "127.0.0.2") for _ in range(2))
        made = builders.bridge_task(CLUSTER, "web", 7, "app", [(self.inner["app"], app.port)],
                                    self.scenario.instance("127.0.0.2"))
        made["containers"].append(builders.container(
            "side", [builders.binding(self.inner["side"], side.port)]))
        return self.aws.put_task(made), app, side

    def flags(self):
        return [f"-target=family={family},name={name},bind=127.0.0.1,"
                f"port={self.ports[name]}:{self.inner[name]}"
                for family, name in (("web", "app"), ("web", "side"), ("db", "db"))]

    def start(self, start_kite, poll):
        kite = start_kite(*self.flags(), f"-poll={poll}", "-bind=127.0.0.1", "-admin=off",
                          "-drain-timeout=0", defaults=False)
        kite.wait_listening(*self.ports.values())
        self.sees(app={self.app.name}, side={self.side.name}, db={self.database.name})
        return kite

    def sees(self, **wanted):
        for name, backends in wanted.items():
            wait_for_names(self.ports[name], *backends)

    def set_health(self, task, container, health):
        known = self.aws.control("GET", f"/tasks/{task}")["containers"]
        self.aws.change_task(task, containers=[
            {**each, "healthStatus": health} if each["name"] == container else each
            for each in known])

    def counts(self):
        operations = ["ListTasks", "DescribeTasks", "DescribeContainerInstances"]
        return [self.aws.count("ecs", operation) for operation in operations] + [
            self.aws.count("ec2", "DescribeInstances")]


@pytest.fixture
def three(scenario):
    return Three(scenario)


def test_a_cold_start_lists_each_family_and_asks_the_rest_for_all(three, start_kite):
    """Each for itself would be three of every call. On a busy machine somebody may not wait for the
    description; that it is one call is what the unit tests show, where time stands still."""
    seen = []
    while len(seen) < 4 and seen[-1:] != [[2, 1, 1, 1]]:
        three.aws.reset_calls()
        kite = three.start(start_kite, "60s-60s")
        seen.append(three.counts())
        kite.stop()
    assert seen[-1] in ([2, 1, 1, 1], [2, 2, 1, 1])


def test_a_calm_cluster_has_one_round_for_all_and_one_listing_for_each_family(three, start_kite):
    three.start(start_kite, "1s-1s")
    three.aws.reset_calls()
    begun = time.monotonic()
    eventually(lambda: three.aws.count("ecs", "DescribeTasks") == 4, 40, "four rounds")
    elapsed = time.monotonic() - begun
    lists, _, instances, addresses = three.counts()
    assert elapsed > 3 * 5.5  # a round every 6 s less its jitter
    assert lists <= 2 * (elapsed / 0.9 + 1)  # a second less its jitter; three would list half more
    assert (instances, addresses) == (0, 0)


def test_each_target_hears_of_health_stops_and_new_tasks(three, start_kite):
    three.start(start_kite, "1s-1s")
    spare, spare_app, spare_side = three.start_web()
    three.sees(app={three.app.name, spare_app.name}, side={three.side.name, spare_side.name})
    three.set_health(three.web, "side", "UNHEALTHY")
    three.sees(side={spare_side.name}, app={three.app.name, spare_app.name})
    three.set_health(three.web, "side", "HEALTHY")
    three.sees(side={three.side.name, spare_side.name})
    three.aws.delete_task(spare)
    three.sees(app={three.app.name}, side={three.side.name})
    three.set_health(three.db, "db", "UNHEALTHY")
    three.set_health(three.web, "app", "UNHEALTHY")
    _, second = three.scenario.bridge(three.inner["db"], family="db", container="db")
    three.sees(db={second.name}, side={three.side.name})


def test_calls_that_fail_take_no_target_away(three, start_kite):
    kite = three.start(start_kite, "1s-1s")
    kite.expected_levels = {"warn", "error"}
    three.aws.set_faults(fault("DescribeTasks", "ecs", status=500, body=""))
    failed = three.aws.count("ecs", "DescribeTasks")
    eventually(lambda: three.aws.count("ecs", "DescribeTasks") > failed + 4, 30, "failed rounds")
    for name, backend in (("app", three.app), ("side", three.side), ("db", three.database)):
        assert set(names(three.ports[name], 5)) == {backend.name}
    three.set_health(three.web, "side", "UNHEALTHY")
    second, _, second_side = three.start_web()
    assert second
    three.aws.clear_faults()
    three.sees(side={second_side.name}, db={three.database.name})
