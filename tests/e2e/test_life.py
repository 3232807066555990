"""Start and end: signals, listeners, an AWS that is not there yet."""

import signal

import pytest
from clients import (ask_name, connect, echo_once, names, read_line, turned_away,
                     wait_for_names)
from fake_aws.client import fault
from backends import name_then_echo
from waiting import eventually, free_port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_0(scenario, start_kite, port, number):
    scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    assert kite.stop(number) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_first_answer_ends_it_with_exit_0(aws, start_kite, port, number):
    aws.set_faults(fault("*", stuck=True))
    kite = start_kite(f"-port={port}").wait_listening(port)
    assert kite.stop(number) == 0


def test_a_hangup_has_aws_asked_at_once(scenario, start_kite, port):
    _, first = scenario.bridge(port)
    kite = start_kite("-poll=1h-1h").wait_listening(port)
    polls = scenario.aws.count("ecs", "ListTasks")
    _, second = scenario.bridge(port)
    kite.send_signal(signal.SIGHUP)
    wait_for_names(port, first.name, second.name)
    assert scenario.aws.count("ecs", "ListTasks") > polls


def test_given_ports_are_open_before_the_first_answer(aws, start_kite):
    aws.set_faults(fault("*", stuck=True))
    ports = [free_port(), free_port()]
    kite = start_kite(f"-port={ports[0]}", f"-port={ports[1]}:{free_port()}")
    kite.wait_listening(*ports, timeout=3)
    assert aws.count("ecs", "DescribeTasks") == 0


def test_discovered_ports_open_without_a_port_flag(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    start_kite().wait_listening(port)
    assert ask_name(port) == backend.name


def test_a_port_flag_restricts_and_remaps(scenario, start_kite):
    container_port, unwanted, listen = free_port(), free_port(), free_port()
    _, backend = scenario.bridge(container_port)
    scenario.bridge(unwanted)
    kite = start_kite(f"-port={listen}:{container_port}").wait_listening(listen)
    scenario.settle()
    assert kite.listening_ports() == {listen}
    assert ask_name(listen) == backend.name


def test_it_starts_while_aws_is_away_and_serves_when_it_comes(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    scenario.aws.set_faults(fault("*", reset=True))
    kite = start_kite()
    kite.expected_levels = {"error"}
    scenario.aws.wait_for_calls("ecs", "ListTasks", 2)
    assert kite.alive() and not kite.listening_ports()
    scenario.aws.clear_faults()
    kite.wait_listening(port, timeout=70)
    assert ask_name(port) == backend.name


def test_a_client_without_any_backend_is_let_go_and_the_kite_lives(aws, start_kite, port):
    kite = start_kite(f"-port={port}", "-hold=0").wait_listening(port)
    assert turned_away(port)
    assert kite.alive()


def test_bind_chooses_the_address(scenario, start_kite, port):
    scenario.bridge(port)
    kite = start_kite("-bind=127.0.0.7").wait_listening(port)
    assert kite.listeners() == {("127.0.0.7", port)}
    with connect(port, "127.0.0.7") as client:
        assert read_line(client)


def test_without_bind_it_listens_on_every_address_ipv4_and_ipv6(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite("-bind=0.0.0.0").wait_listening(port)
    assert ask_name(port, "127.0.0.3") == backend.name
    kite.stop()
    flags = ["-name=app", "-family=web", "-poll=1s-1s"]
    start_kite(*flags, defaults=False).wait_listening(port)
    assert ask_name(port, "127.0.0.3") == backend.name
    with connect(port, "::1") as client:
        assert read_line(client) == backend.name
        echo_once(client, b"over IPv6")


def test_a_log_that_nobody_reads_stops_no_traffic(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    kite = start_kite("-loglevel=debug", deaf=True).wait_listening(port)
    # Two lines a connection: the page is full long before the end.
    assert names(port, 200) == {backend.name: 200}
    scenario.settle(2)
    assert kite.stop() == 0
