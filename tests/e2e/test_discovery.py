"""Which tasks the kite finds, by whom its clients reach: every rule against the real program."""

from clients import ask_name, connect, echo_once, names, read_line, was_refused
from fake_aws.client import (FakeAws, binding, bridge_task, container, container_instance, eni,
                             fargate_task, fault, host_task, instance, range_binding,
                             task_definition)
from backends import identify, name_then_echo
from waiting import eventually, free_port, holds


def wait_for_names(port, wanted, timeout=10.0):
    """Until exactly these backends answer."""
    eventually(lambda: set(names(port, 12 * len(wanted))) == set(wanted), timeout,
               f"answers from exactly {wanted}", every=0.05)


def test_scale_to_zero_empties_the_set_after_two_empty_polls(scenario, start_kite, port):
    task, backend = scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    scenario.aws.delete_task(task)
    before = scenario.aws.count("ecs", "ListTasks")
    eventually(lambda: scenario.aws.count("ecs", "ListTasks") > before, 5, "an empty poll")
    assert ask_name(port) == backend.name, "one empty answer proves nothing"
    kite.wait_not_listening(port, timeout=6)
    assert scenario.aws.count("ecs", "ListTasks") - before == 2
    assert was_refused(port)


def test_one_empty_answer_changes_nothing(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    start_kite().wait_listening(port)
    with connect(port) as client:
        assert read_line(client) == backend.name
        scenario.aws.set_faults(fault("ListTasks", times=1, empty_set=True))
        scenario.settle(2)
        echo_once(client, b"a port that had closed meanwhile would have ended this")
    assert ask_name(port) == backend.name


def test_scale_to_zero_and_up_again_with_a_given_port(scenario, start_kite, port):
    task, _ = scenario.bridge(port)
    kite = start_kite(f"-port={port}", "-connect-deadline=1s").wait_listening(port)
    scenario.settle()
    scenario.aws.delete_task(task)
    scenario.settle(3)
    assert port in kite.listening_ports()
    _, again = scenario.bridge(port, host="127.0.0.3")
    scenario.settle(1)
    assert ask_name(port) == again.name


def test_one_missing_task_does_not_spoil_a_poll(scenario, start_kite, port):
    _, first = scenario.bridge(port)
    gone, _ = scenario.bridge(port, _missing=True)
    _, third = scenario.bridge(port, host="127.0.0.3")
    start_kite().wait_listening(port)
    wait_for_names(port, [first.name, third.name])


def test_a_task_that_goes_missing_leaves_alone(scenario, start_kite, port):
    _, stays = scenario.bridge(port)
    task, goes = scenario.bridge(port)
    start_kite().wait_listening(port)
    wait_for_names(port, [stays.name, goes.name])
    scenario.aws.change_task(task, _missing=True)
    wait_for_names(port, [stays.name])


def test_fargate_beside_ec2_tasks(scenario, start_kite, port):
    _, on_ec2 = scenario.bridge(port, host="127.0.0.2")
    _, on_fargate = scenario.awsvpc(port, "127.0.0.3")
    start_kite().wait_listening(port)
    wait_for_names(port, [on_ec2.name, on_fargate.name])


def test_awsvpc_tasks_on_ec2(scenario, start_kite, port):
    _, one = scenario.awsvpc(port, "127.0.0.3", on="127.0.0.9")
    _, two = scenario.awsvpc(port, "127.0.0.4", on="127.0.0.9")
    start_kite().wait_listening(port)
    wait_for_names(port, [one.name, two.name])


def test_an_empty_first_page_with_a_token_is_not_the_end(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    scenario.aws.set_paging(empty_first_page=True)
    start_kite().wait_listening(port)
    assert ask_name(port) == backend.name
    scenario.settle(3)
    assert ask_name(port) == backend.name


def test_every_page_is_read(scenario, start_kite, port):
    made = [scenario.bridge(port)[1].name for _ in range(9)]
    scenario.aws.set_paging(list_tasks_page=2, empty_page_every=3)
    start_kite().wait_listening(port)
    wait_for_names(port, made)


def test_250_tasks_on_120_instances(aws, farm, start_kite, port):
    hosts = [instance(f"127.0.1.{i}") for i in range(1, 121)]
    aws.put_instances(hosts)
    tasks = []
    for i in range(250):
        host = hosts[i % len(hosts)]
        backend = farm.serve(identify, host["privateIpAddress"])
        tasks.append(bridge_task("default", "web", 7, "app", [(port, backend.port)], host))
    aws.put_tasks(tasks)
    start_kite().wait_listening(port, timeout=20)
    # A backend misses out on 250 * 20 draws with odds of 250 / e^20.
    answered = names(port, 250 * 20)
    assert set(answered) == {backend.name for backend in farm.backends}
    calls = aws.calls()["services"]["ecs"]
    assert calls["max_in_flight"] <= 4
    assert not any(entry["errors"] for entry in calls["operations"].values()), calls


def test_at_most_four_requests_are_in_flight(scenario, start_kite, port):
    tasks = [fargate_task("default", "web", 9, "app", f"127.0.{1 + i // 250}.{1 + i % 250}")
             for i in range(600)]
    scenario.aws.put_tasks(tasks)
    scenario.aws.set_faults(fault("DescribeTasks", delay_ms=200))  # all are sent before one ends
    start_kite(f"-port={port}")
    eventually(lambda: scenario.aws.count("ecs", "DescribeTasks", "ok") >= 6, 10, "all six chunks")
    assert scenario.aws.calls()["services"]["ecs"]["max_in_flight"] == 4


def test_family_with_a_revision_keeps_only_that_revision(scenario, start_kite, port):
    scenario.bridge(port, revision=7)
    _, wanted = scenario.bridge(port, revision=17)
    scenario.bridge(port, revision=1)
    start_kite("-family=web:17").wait_listening(port)
    assert set(names(port, 30)) == {wanted.name}


def test_a_service_of_another_cluster(scenario, start_kite, port):
    scenario.bridge(port)
    _, wanted = scenario.bridge(port, host="127.0.0.3", cluster="prod", service="api")
    start_kite("-service=api", "-cluster=prod").wait_listening(port)
    assert set(names(port, 20)) == {wanted.name}


def test_a_cluster_given_as_arn(scenario, start_kite, port):
    _, wanted = scenario.bridge(port, host="127.0.0.3", cluster="prod")
    arn = "arn:aws:ecs:eu-west-1:111122223333:cluster/prod"
    start_kite(f"-cluster={arn}").wait_listening(port)
    assert ask_name(port) == wanted.name


def test_the_udp_binding_listed_before_the_tcp_one(scenario, start_kite, port):
    backend = scenario.farm.serve(identify)
    bindings = [binding(port, free_port(), protocol="udp"), binding(port, backend.port)]
    task = bridge_task("default", "web", 7, "app", bindings, scenario.instance("127.0.0.2"))
    scenario.aws.put_task(task)
    start_kite().wait_listening(port)
    assert set(names(port, 20)) == {backend.name}


def test_ipv4_and_ipv6_bindings_with_different_host_ports(scenario, start_kite, port):
    backend = scenario.farm.serve(identify)
    bindings = [binding(port, free_port(), bind_ip="::"), binding(port, backend.port)]
    task = bridge_task("default", "web", 7, "app", bindings, scenario.instance("127.0.0.2"))
    scenario.aws.put_task(task)
    start_kite().wait_listening(port)
    assert set(names(port, 20)) == {backend.name}


def test_a_port_range(scenario, start_kite):
    container_ports = range_start = free_port()
    backends = []
    while len(backends) < 3:  # three ports in a row that are free on the backend's address
        for backend in backends:
            backend.stop_listening()
        base = free_port()
        try:
            backends = [scenario.farm.serve(identify, "127.0.0.2", base + i) for i in range(3)]
        except OSError:
            backends = []
    bindings = [range_binding(f"{range_start}-{range_start + 2}", f"{base}-{base + 2}")]
    task = bridge_task("default", "web", 7, "app", bindings, scenario.instance("127.0.0.2"))
    scenario.aws.put_task(task)
    listen = [container_ports + i for i in range(3)]
    start_kite().wait_listening(*listen)
    assert [ask_name(p) for p in listen] == [backend.name for backend in backends]


def test_a_container_pending_for_one_poll_comes_back_by_itself(scenario, start_kite, port):
    task, blinks = scenario.bridge(port)
    _, stays = scenario.bridge(port)
    start_kite().wait_listening(port)
    wait_for_names(port, [blinks.name, stays.name])
    known = scenario.aws.control("GET", f"/tasks/{task}")["containers"]
    scenario.aws.change_task(task, containers=[{**known[0], "lastStatus": "PENDING"}])
    wait_for_names(port, [stays.name])
    scenario.aws.change_task(task, containers=known)
    wait_for_names(port, [blinks.name, stays.name])


def test_a_container_without_its_bindings_yet_is_just_not_there(scenario, start_kite, port):
    task, late = scenario.bridge(port)
    known = scenario.aws.control("GET", f"/tasks/{task}")["containers"]
    scenario.aws.change_task(task, containers=[{**known[0], "networkBindings": []}])
    _, there = scenario.bridge(port)
    start_kite().wait_listening(port)
    assert set(names(port, 20)) == {there.name}
    scenario.aws.change_task(task, containers=known)
    wait_for_names(port, [late.name, there.name])


def test_a_task_told_to_stop_gets_no_new_connection(scenario, start_kite, port):
    task, going = scenario.bridge(port)
    _, stays = scenario.bridge(port)
    start_kite().wait_listening(port)
    wait_for_names(port, [going.name, stays.name])
    scenario.aws.change_task(task, desiredStatus="STOPPED")
    wait_for_names(port, [stays.name])


def test_an_unhealthy_task_is_left_out_unless_all_are(scenario, start_kite, port):
    _, well = scenario.bridge(port, health="HEALTHY", host="127.0.0.2")
    sick_task, sick = scenario.bridge(port, health="UNHEALTHY", host="127.0.0.3")
    start_kite().wait_listening(port)
    assert set(names(port, 20)) == {well.name}
    for task in list(scenario.aws.state()["tasks"]):
        known = scenario.aws.control("GET", f"/tasks/{task}")["containers"]
        scenario.aws.change_task(task, healthStatus="UNHEALTHY",
                                 containers=[{**known[0], "healthStatus": "UNHEALTHY"}])
    wait_for_names(port, [well.name, sick.name])


def test_host_mode_takes_the_port_from_the_task_definition(scenario, start_kite, port):
    backend = scenario.farm.serve(identify, "127.0.0.5", port)
    scenario.aws.put_task_definition(task_definition("web", 3, "host", {"app": [port]}))
    scenario.aws.put_task(host_task("default", "web", 3, "app", scenario.instance("127.0.0.5")))
    start_kite().wait_listening(port)
    assert ask_name(port) == backend.name
    scenario.settle(2)
    assert scenario.aws.count("ecs", "DescribeTaskDefinition") == 1  # a revision never changes


def test_a_given_port_spares_the_task_definition(scenario, start_kite, port):
    scenario.aws.deny("ecs:DescribeTaskDefinition")
    _, one = scenario.awsvpc(port, "127.0.0.3")
    on_host = scenario.farm.serve(identify, "127.0.0.5", port)
    scenario.aws.put_task(host_task("default", "web", 3, "app", scenario.instance("127.0.0.5")))
    start_kite(f"-port={port}").wait_listening(port)
    scenario.settle()
    wait_for_names(port, [one.name, on_host.name])
    assert scenario.aws.count("ecs", "DescribeTaskDefinition") == 0


def test_public_addresses(scenario, start_kite, port):
    on_ec2 = scenario.farm.serve(identify, "127.0.2.2")
    host = scenario.aws.put_instance(instance("127.0.0.2", public_ip="127.0.2.2"))
    scenario.aws.put_task(bridge_task("default", "web", 7, "app", [(port, on_ec2.port)], host))
    on_fargate = scenario.farm.serve(identify, "127.0.2.3", port)
    interface = eni("127.0.0.3", public_ip="127.0.2.3")
    scenario.aws.put_eni(interface)
    scenario.aws.put_task_definition(task_definition("web", 9, "awsvpc", {"app": [port]}))
    scenario.aws.put_task(fargate_task("default", "web", 9, "app", "127.0.0.3", interface))
    # An instance without a public address is left out; the rest is served.
    scenario.bridge(port, host="127.0.0.4")
    start_kite("-public").wait_listening(port)
    wait_for_names(port, [on_ec2.name, on_fargate.name])


def test_ipv6_backends(scenario, start_kite, port):
    backend = scenario.farm.serve(identify, "::1")
    made = instance("127.0.0.2", ipv6="::1")
    del made["privateIpAddress"]
    host = scenario.aws.put_instance(made)
    bindings = [binding(port, backend.port, bind_ip="::")]
    scenario.aws.put_task(bridge_task("default", "web", 7, "app", bindings, host))
    start_kite().wait_listening(port)
    assert ask_name(port) == backend.name


def test_an_ecs_anywhere_instance_is_never_asked_of_ec2(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    outside = container_instance("mi-0123456789abcdef0")
    scenario.aws.put_container_instance(outside)
    task = bridge_task("default", "web", 7, "app", [(port, 32768)], "mi-0123456789abcdef0",
                       launchType="EXTERNAL")
    scenario.aws.put_task(task)
    start_kite().wait_listening(port)
    assert set(names(port, 20)) == {backend.name}
    assert "mi-0" not in str([e for e in scenario.aws.log() if e["service"] == "ec2"])


def test_an_instance_that_ec2_does_not_know_spoils_nothing(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    scenario.bridge(port, host="127.0.0.3")
    scenario.aws.delete_instance(scenario.instance("127.0.0.3"))
    start_kite().wait_listening(port)
    assert set(names(port, 20)) == {backend.name}


def test_the_other_containers_of_a_task_are_left_alone(scenario, start_kite, port):
    backend, sidecar_port = scenario.farm.serve(identify), free_port()
    app = container("app", [binding(port, backend.port)])
    sidecar = container("sidecar", [binding(sidecar_port, 4), binding(port, 5)])
    task = bridge_task("default", "web", 7, "app", [], scenario.instance("127.0.0.2"),
                       containers=[sidecar, app])
    scenario.aws.put_task(task)
    kite = start_kite().wait_listening(port)
    assert kite.listening_ports() == {port}
    assert set(names(port, 20)) == {backend.name}


def test_a_task_that_moves_to_another_port_is_followed(scenario, start_kite, port):
    task, old = scenario.bridge(port)
    start_kite().wait_listening(port)
    new = scenario.farm.serve(identify)
    moved = bridge_task("default", "web", 7, "app", [(port, new.port)],
                        scenario.instance("127.0.0.2"))
    scenario.aws.put_task(moved)
    scenario.aws.delete_task(task)
    wait_for_names(port, [new.name])


def test_a_cluster_that_vanishes_keeps_the_last_good_set(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    kite.expected_levels = {"error"}
    error = {"code": "ClusterNotFoundException", "status": 400, "message": "Cluster not found."}
    scenario.aws.set_faults(fault("ListTasks", error=error))
    scenario.aws.wait_for_calls("ecs", "ListTasks", 3)
    holds(lambda: ask_name(port) == backend.name, 0.5)
    assert any("Cluster" in line for line in kite.lines())


def test_two_fakes_do_not_mix():
    """The harness itself: each test's AWS is its own."""
    with FakeAws() as one, FakeAws() as other:
        one.put_instance(instance("127.0.0.2"))
        assert not other.state()["instances"]
