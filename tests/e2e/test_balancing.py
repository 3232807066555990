"""Which backend a connection gets, and what becomes of backends that fail."""

import re
import select
from collections import Counter

import pytest
from backends import hold, identify, name_then_echo, reset_after_request, reset_at_once
from clients import ask_name, connect, connections, how_it_ends, names, read_line
from conftest import CLUSTER, CONTAINER, FAMILY
from fake_aws.client import REGION, bridge_task
from waiting import eventually, free_port

HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


def serve_on(scenario, port, hosts, habit=identify):
    return [scenario.bridge(port, habit, host=host)[1] for host in hosts]


def test_round_robin_goes_round(scenario, start_kite, port):
    made = serve_on(scenario, port, HOSTS)
    start_kite("-balance=roundrobin").wait_listening(port)
    assert names(port, 9) == {backend.name: 3 for backend in made}


@pytest.mark.parametrize("way", ["leastconn", "p2c"])
def test_open_connections_count(scenario, start_kite, port, way):
    made = serve_on(scenario, port, HOSTS[:2], name_then_echo)
    start_kite(f"-balance={way}").wait_listening(port)
    clients = [connect(port) for _ in range(20)]
    assert Counter(map(read_line, clients)) == {backend.name: 10 for backend in made}
    for client in clients:
        client.close()


def test_least_connections_leave_a_silent_backend_alone(scenario, start_kite, port):
    """One that accepts and says nothing holds what it was given, so it is given no more."""
    _, silent = scenario.bridge(port, hold, host=HOSTS[0])
    _, good = scenario.bridge(port, host=HOSTS[1])
    start_kite("-balance=leastconn").wait_listening(port)
    with connections(port, 10) as clients:
        eventually(lambda: silent.open == 5 and good.accepted == 5, 10, "half of them each")
        for served in select.select(clients, [], [], 0)[0]:
            served.close()
        # Another may not be quite over when the next one comes, but never five.
        assert names(port, 50) == {good.name: 50}


def test_load_is_counted_over_the_ports_of_a_task(scenario, start_kite, port):
    other = free_port()
    main, side = (scenario.farm.serve(name_then_echo, HOSTS[0]) for _ in range(2))
    scenario.aws.put_task(bridge_task(CLUSTER, FAMILY, 7, CONTAINER,
                                      [(port, main.port), (other, side.port)],
                                      scenario.instance(HOSTS[0])))
    _, idle = scenario.bridge(port, host=HOSTS[1])
    start_kite("-balance=leastconn").wait_listening(port, other)
    with connections(other, 5):
        eventually(lambda: side.open == 5)
        assert names(port, 20) == {idle.name: 20}


# Three zones, so a third is an even part; the second one has that, or half of it.
OWN_ZONE, ZONES = REGION + "b", {"enough": "abbacc", "few": "abaacc"}


def serve_in_zones(scenario, port, zones):
    """Backends, each in the zone of a letter; those of the own zone, and all."""
    made = [scenario.bridge(port, host=f"127.0.0.{2 + number}", zone=REGION + letter)[1]
            for number, letter in enumerate(zones)]
    return [backend for backend, letter in zip(made, zones) if OWN_ZONE.endswith(letter)], made


def zone_told(scenario):
    """The environment of a task in OWN_ZONE."""
    scenario.aws.set_task_metadata({"Cluster": CLUSTER, "AvailabilityZone": OWN_ZONE,
                                    "TaskARN": "arn:aws:ecs:eu-west-1:1:task/default/0"})
    return scenario.aws.env(task_metadata=True)


def test_the_own_zone_serves_alone_when_it_has_its_share(scenario, start_kite, port):
    own, _ = serve_in_zones(scenario, port, ZONES["enough"])
    kite = start_kite("-zone-aware", "-balance=roundrobin",
                      env=zone_told(scenario)).wait_listening(port)
    eventually(lambda: kite.lines(event="own_zone_found", zone=OWN_ZONE, source="task metadata"))
    # What was found is heeded from the next poll on.
    scenario.settle()
    assert names(port, 24) == {backend.name: 12 for backend in own}


def test_zones_do_not_count_unless_asked_for(scenario, start_kite, port):
    _, made = serve_in_zones(scenario, port, ZONES["enough"])
    kite = start_kite("-balance=roundrobin", env=zone_told(scenario)).wait_listening(port)
    scenario.settle()
    assert names(port, 24) == {backend.name: 4 for backend in made}
    assert not kite.lines(event=re.compile("own_zone"))


def test_an_own_zone_with_less_than_its_share_is_helped(scenario, start_kite, port):
    [own], made = serve_in_zones(scenario, port, ZONES["few"])
    kite = start_kite("-zone-aware", env=zone_told(scenario)).wait_listening(port)
    eventually(lambda: kite.lines(event="own_zone_found"))
    scenario.settle()
    answers = names(port, 120)
    # A sixth of the backends where a third is even: half of the connections, the rest to zone a,
    # which alone has more than that.
    assert 30 < answers[own.name] < 90, answers
    assert set(answers) == {backend.name for backend in (*made[:1], own, *made[2:4])}


def test_without_a_known_zone_all_are_served_alike(scenario, start_kite, port):
    _, made = serve_in_zones(scenario, port, ZONES["enough"])
    kite = start_kite("-zone-aware", "-balance=roundrobin").wait_listening(port)
    eventually(lambda: kite.lines(event="own_zone_unknown", level="warn"))
    scenario.settle()
    assert names(port, 24) == {backend.name: 4 for backend in made}


def ejections(kite, backend):
    return kite.lines(event="backend_ejected", backend=f"{backend.host}:{backend.port}")


def test_a_refusing_backend_is_ejected_and_returns_when_it_serves(scenario, start_kite, port):
    good = serve_on(scenario, port, HOSTS[:2])
    _, bad = scenario.bridge(port, host=HOSTS[2], name="comes-back")
    bad.stop_listening()
    kite = start_kite("-balance=roundrobin").wait_listening(port)
    # Every third connection meets it, the third that does has it ejected; nobody notices.
    answers = names(port, 60)
    assert set(answers) == {backend.name for backend in good} and sum(answers.values()) == 60
    [line] = ejections(kite, bad)
    assert line["failures_in_row"] == "3" and "refused" in line["last_error"], line
    again = scenario.farm.serve(identify, bad.host, bad.port, name="comes-back")
    # The probe may have failed before, so the wait is for the second time out at most.
    eventually(lambda: ask_name(port) == again.name, 15, "a connection finds it again")
    eventually(lambda: kite.lines(event="backend_returned",
                                  backend=f"{bad.host}:{bad.port}"))


def test_the_number_of_failures_is_as_set(scenario, start_kite, port):
    serve_on(scenario, port, HOSTS[:2])
    _, bad = scenario.bridge(port, host=HOSTS[2])
    bad.stop_listening()
    kite = start_kite("-balance=roundrobin", "-eject-after=1").wait_listening(port)
    names(port, 3)
    [line] = ejections(kite, bad)
    assert line["failures_in_row"] == "1"


def test_half_go_on_being_tried_and_the_ejected_serve_if_they_can(scenario, start_kite, port):
    bad = serve_on(scenario, port, HOSTS[:2])
    for backend in bad:
        backend.stop_listening()
    kite = start_kite("-eject-after=1").wait_listening(port)
    assert how_it_ends(port, b"") == "reset"
    ejected = re.compile("backend_ejected")
    eventually(lambda: len(kite.lines(event=ejected)) == 1, 10, "one of two is ejected")
    [line] = kite.lines(event=ejected)
    [out] = [backend for backend in bad if line["backend"].startswith(backend.host + ":")]
    again = scenario.farm.serve(identify, out.host, out.port, name="the ejected one")
    assert ask_name(port) == again.name


async def answer(backend, reader, writer):
    """One request, one answer."""
    await reader.read(100)
    writer.write(b"fine\n")
    await writer.drain()


def test_early_resets_eject_only_if_asked_to(scenario, start_kite, port):
    serve_on(scenario, port, HOSTS[:2], answer)
    _, bad = scenario.bridge(port, reset_after_request, host=HOSTS[2])
    flags = ("-balance=roundrobin", "-loglevel=debug")
    patient = start_kite(*flags).wait_listening(port)
    assert [how_it_ends(port, b"x") for _ in range(30)].count("reset") == 10
    assert not ejections(patient, bad)
    assert patient.stop() == 0
    strict = start_kite(*flags, "-eject-on-reset").wait_listening(port)
    resets = [how_it_ends(port, b"x") for _ in range(60)].count("reset")
    assert len(ejections(strict, bad)) == 1
    # Three had it ejected; each probe that failed cost another client its connection.
    eventually(lambda: resets == 3 + len(strict.lines(event="backend_still_out")))


def test_who_resets_before_a_byte_costs_nobody_a_connection(scenario, start_kite, port):
    good = serve_on(scenario, port, HOSTS[:2])
    _, bad = scenario.bridge(port, reset_at_once, host=HOSTS[2])
    kite = start_kite("-balance=roundrobin").wait_listening(port)
    assert set(names(port, 30)) == {backend.name for backend in good}
    assert bad.accepted >= 10
    assert not ejections(kite, bad)


def test_a_new_task_starts_slowly(scenario, start_kite, port):
    made = serve_on(scenario, port, HOSTS[:2])
    start_kite("-balance=roundrobin", "-slow-start=1h").wait_listening(port)
    assert set(names(port, 2)) == {backend.name for backend in made}
    _, new = scenario.bridge(port, host=HOSTS[2])
    scenario.settle(1)
    # A tenth of a turn each round, so it comes in the tenth.
    answers = names(port, 210)
    assert answers[new.name] in (9, 10), answers
