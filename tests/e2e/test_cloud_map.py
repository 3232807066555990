"""Discovery through Cloud Map: the rules that hold for ECS, against the real program."""

import signal

from backends import identify
from clients import ask_name, wait_for_names
from fake_aws.client import fault, registered_instance
from waiting import eventually, free_port

SERVICE = ("-namespace=shop", "-service=orders")


class Registry:
    """Backends that register themselves with shop/orders."""

    def __init__(self, aws, farm):
        self._aws, self._farm = aws, farm

    def add(self, name, host, port, on=None, **members):
        """A backend at its own address and `port`; `on` an instance at any port of its host."""
        backend = self._farm.serve(identify, host, 0 if on else port, name)
        self.put(backend, on=on, **members)
        return backend

    def put(self, backend, **members):
        self._aws.register("shop", "orders", backend.name, registered_instance(
            backend.host, backend.port, **members))

    def remove(self, backend):
        self._aws.deregister("shop", "orders", backend.name)


def test_instances_come_go_and_turn_unhealthy(aws, farm, start_kite, port):
    registry = Registry(aws, farm)
    one = registry.add("one", "127.0.0.2", port)
    kite = start_kite(*SERVICE).wait_listening(port)
    assert ask_name(port) == "one"
    two = registry.add("two", "127.0.0.3", port)
    wait_for_names(port, "one", "two")
    registry.put(one, health="UNHEALTHY")
    kite.send_signal(signal.SIGHUP)  # health is told at once then, else every sixth poll
    wait_for_names(port, "two")
    registry.put(two, health="UNHEALTHY")
    kite.send_signal(signal.SIGHUP)
    wait_for_names(port, "one", "two")  # all unhealthy: all serve
    registry.remove(two)
    wait_for_names(port, "one")
    assert aws.count("ecs") == aws.count("ec2") == 0
    registry.remove(one)
    kite.wait_not_listening(port)
    assert aws.calls()["unknown_members"] == {}
    assert not kite.lines(event="discovery_failed")


def test_a_calm_service_costs_revisions(aws, farm, start_kite, port):
    registry = Registry(aws, farm)
    registry.add("one", "127.0.0.2", port)
    start_kite(*SERVICE).wait_listening(port)
    aws.reset_calls()
    aws.wait_for_calls("servicediscovery", "DiscoverInstancesRevision", 4)
    assert aws.count("servicediscovery", "DiscoverInstances") <= 1  # for health, every sixth poll


def test_host_ports_are_reached_by_the_port_that_is_given(aws, farm, start_kite, port):
    registry = Registry(aws, farm)
    registry.add("one", "127.0.0.2", port, on="i-0123456789abcdef0")
    registry.add("two", "127.0.0.2", port, on="i-0123456789abcdef0")
    kite = start_kite(*SERVICE, f"-port={port}").wait_listening(port)
    wait_for_names(port, "one", "two")
    assert kite.listening_ports() == {port}


def test_only_what_has_the_tag_the_cluster_and_the_family(aws, farm, start_kite, port):
    registry = Registry(aws, farm)
    registry.add("one", "127.0.0.2", port, slice="blue", cluster="prod", family="web")
    registry.add("two", "127.0.0.3", port, slice="red", cluster="prod", family="web")
    registry.add("three", "127.0.0.4", port, slice="blue", cluster="test", family="web")
    registry.add("four", "127.0.0.5", port, slice="blue", cluster="prod", family="api")
    start_kite(*SERVICE, "-tag=slice=blue", "-cluster=prod", "-family=web").wait_listening(port)
    wait_for_names(port, "one")


def test_failures_keep_what_is_known(aws, farm, start_kite, port):
    registry = Registry(aws, farm)
    one = registry.add("one", "127.0.0.2", port)
    kite = start_kite(*SERVICE).wait_listening(port)
    for bad in (fault(service="servicediscovery", html=True),
                fault(service="servicediscovery", null_members=True),
                fault(service="servicediscovery", reset=True)):
        aws.set_faults(bad)
        seen = aws.count("servicediscovery")
        eventually(lambda: aws.count("servicediscovery") >= seen + 2, 10, "two calls that fail")
        assert ask_name(port) == "one"
    aws.clear_faults()
    registry.remove(one)
    registry.add("two", "127.0.0.3", port)
    wait_for_names(port, "two")
    assert kite.lines(event="discovery_recovered")


def test_a_namespace_that_is_not_there_yet(aws, farm, start_kite, port):
    kite = start_kite(*SERVICE, f"-port={port}").wait_listening(port)
    eventually(lambda: kite.lines(event="discovery_failed", code="NamespaceNotFound"), 10, "a line")
    Registry(aws, farm).add("one", "127.0.0.2", port)
    wait_for_names(port, "one")


def test_beside_a_target_of_ecs(scenario, start_kite, port):
    registry, other = Registry(scenario.aws, scenario.farm), free_port()
    registry.add("registered", "127.0.0.3", port)
    _, listed = scenario.bridge(other)
    kite = start_kite(f"-port={other}", f"-target=namespace=shop,service=orders,port={port}")
    kite.wait_listening(port, other)
    wait_for_names(port, "registered")
    wait_for_names(other, listed.name)
