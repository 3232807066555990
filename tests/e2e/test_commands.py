"""The one-shot commands of the real program: list, check, wait."""

import contextlib
import json
import socket
import subprocess
import threading
import time

import pytest
from fake_aws.client import (binding, bridge_task, container, container_instance, fargate_task,
                             fault, host_task, instance, task_definition, throttled)

from kite import binary
from waiting import free_port, patience

NAME, FAMILY = "app", "web"


def command(aws, *words, name=NAME, family=FAMILY, timeout=30):
    """Runs the program with a command and gives what it said."""
    return subprocess.run([binary(), *words, f"-name={name}", f"-family={family}"],
                          env={"PATH": "/usr/bin:/bin", **aws.env()}, capture_output=True,
                          text=True, timeout=timeout)


def listed(aws, *words, **members):
    """What `list -json` says of the only target."""
    done = command(aws, "list", "-json", *words, **members)
    assert done.stderr == "" or "level=warn" in done.stderr, done.stderr
    (target,) = json.loads(done.stdout)["targets"]
    return done.returncode, target


def reasons(target):
    return {each["task"]: each["reason"] for each in target["left_out"]}


def test_list_prints_backends_and_nothing_else_is_left_to_say(scenario):
    task, backend = scenario.bridge(8080)
    done = command(scenario.aws, "list")
    assert done.returncode == 0 and done.stderr == ""
    assert f"{backend.host}:{backend.port}" in done.stdout and task in done.stdout
    assert "\x1b" not in done.stdout, "colour is for terminals"
    code, target = listed(scenario.aws)
    assert code == 0 and target["complete"]
    assert target["backends"] == [{"container_port": 8080, "address": backend.host,
                                   "port": backend.port, "task": task, "zone":
                                   target["backends"][0]["zone"]}]


def test_list_explains_every_task_that_is_left_out(aws):
    host = aws.put_instance(instance("127.0.0.2"))

    def bridge(revision=7, name=NAME, **members):
        return aws.put_task(bridge_task("default", FAMILY, revision, name, [(80, 31000)], host,
                                        **members))

    external = "mi-0123456789abcdef0"
    aws.put_container_instance(container_instance(external))
    aws.put_task_definition(task_definition(FAMILY, 7, "host", {NAME: []}))
    expected = {
        bridge(lastStatus="PENDING"): "not_running",
        bridge(revision=8): "other_revision",
        bridge(name="sidecar"): "container_not_found",
        bridge(_missing=True): "missing",
        aws.put_task(host_task("default", FAMILY, 7, NAME, host)): "no_ports",
        aws.put_task(bridge_task("default", FAMILY, 7, NAME, [(80, 31001)], external)):
            "external_instance",
    }
    sick = bridge_task("default", FAMILY, 7, NAME, [(80, 31002)], host)
    sick["containers"][0]["healthStatus"] = "UNHEALTHY"
    expected[aws.put_task(sick)] = "unhealthy"
    serving = bridge()
    code, target = listed(aws, family=f"{FAMILY}:7")
    assert code == 0 and {each["task"] for each in target["backends"]} == {serving}
    assert reasons(target) == expected
    assert all(each["detail"] for each in target["left_out"])
    text = command(aws, "list", family=f"{FAMILY}:7").stdout
    for task, reason in expected.items():
        assert task in text and reason in text


def test_list_without_a_backend_says_so_and_exits_1(aws):
    done = command(aws, "list")
    assert done.returncode == 1
    assert "0 backends on 0 tasks listed" in done.stdout and "no task is listed" in done.stdout


def test_list_tells_what_was_not_answered(scenario):
    scenario.bridge(8080)
    scenario.aws.deny("ecs:DescribeContainerInstances")
    code, target = listed(scenario.aws)
    assert code == 1 and not target["complete"]
    (problem,) = target["problems"]
    assert problem["operation"] == "ecs:DescribeContainerInstances"
    assert problem["class"] == "denied"


def test_check_is_content_when_all_is_well(scenario):
    scenario.bridge(8080)
    done = command(scenario.aws, "check")
    assert done.returncode == 0, done.stdout
    assert "All is well" in done.stdout and "eu-west-1" in done.stdout
    said = json.loads(command(scenario.aws, "check", "-json").stdout)
    assert said["ok"] and said["missing_actions"] == []
    assert all(each["verdict"] == "allowed" for each in said["targets"][0]["actions"])
    assert [each["reached"] for each in said["targets"][0]["backends"]] == [True]
    for secret in (value for key, value in scenario.aws.env().items() if "SECRET" in key):
        assert secret not in done.stdout


def test_check_names_the_missing_actions_and_prints_the_policy(scenario):
    scenario.bridge(8080)
    scenario.aws.deny("ecs:DescribeContainerInstances", "ecs:DescribeTaskDefinition")
    done = command(scenario.aws, "check")
    assert done.returncode == 1
    policy = json.loads(done.stdout[done.stdout.index("{\n"):])
    # The definition is not needed for what runs now, so its denial is told but not asked for.
    assert policy["Statement"][0]["Action"] == ["ecs:DescribeContainerInstances"]
    said = json.loads(command(scenario.aws, "check", "-json").stdout)
    verdicts = {each["action"]: each["verdict"] for each in said["targets"][0]["actions"]}
    assert verdicts["ecs:DescribeTaskDefinition"] == "denied"
    assert verdicts["ec2:DescribeInstances"] == "allowed"


@pytest.mark.parametrize("action, mode", [
    ("ecs:ListTasks", "bridge"), ("ecs:DescribeTasks", "bridge"),
    ("ecs:DescribeContainerInstances", "bridge"), ("ec2:DescribeInstances", "bridge"),
    ("ecs:DescribeTaskDefinition", "awsvpc"), ("ec2:DescribeNetworkInterfaces", "public")])
def test_check_asks_for_exactly_the_action_that_is_missing(scenario, action, mode):
    if mode == "bridge":
        scenario.bridge(8080)
    else:
        scenario.awsvpc(free_port(), "127.0.0.3")
    scenario.aws.deny(action)
    done = command(scenario.aws, "check", "-json", *(["-public"] if mode == "public" else []))
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["missing_actions"] == [action]
    verdicts = {each["action"]: each["verdict"] for each in said["targets"][0]["actions"]}
    assert verdicts[action] == "denied"


def test_check_tells_backends_that_cannot_be_reached(scenario):
    scenario.bridge_at(8080, "127.0.0.2", free_port())
    done = command(scenario.aws, "check")
    assert done.returncode == 1
    assert "Connection refused" in done.stdout and "nothing listens" in done.stdout


def test_wait_ends_when_a_backend_can_be_reached(scenario):
    late = threading.Timer(1.0, lambda: scenario.bridge(8080))
    late.start()
    done = command(scenario.aws, "wait", "-timeout=30s")
    late.join()
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def black_hole(host):
    """A port that answers nobody: its queue of new connections is full."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server((host, 0), backlog=0))
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_wait_needs_one_backend_that_answers_not_all(scenario):
    scenario.bridge(8080, host="127.0.0.3")
    with black_hole("127.0.0.2") as silent:
        scenario.bridge_at(8080, "127.0.0.2", silent)
        done = command(scenario.aws, "wait", "-timeout=20s", "-connect-timeout=1m",
                       "-connect-deadline=1m")
        assert done.returncode == 0, done.stderr


def test_wait_tells_that_a_backend_has_not_answered_yet(scenario):
    with black_hole("127.0.0.2") as silent:
        scenario.bridge_at(8080, "127.0.0.2", silent)
        done = command(scenario.aws, "wait", "-timeout=3s", "-connect-timeout=1m",
                       "-connect-deadline=1m")
    assert done.returncode == 1 and f"127.0.0.2:{silent}: no answer yet" in done.stderr


def test_wait_tells_why_a_backend_cannot_be_reached(scenario):
    scenario.bridge_at(8080, "127.0.0.2", free_port())
    done = command(scenario.aws, "wait", "-timeout=4s")
    assert done.returncode == 1 and "Connection refused" in done.stderr


def test_wait_keeps_its_time_whatever_aws_does(scenario):
    scenario.bridge(8080)
    scenario.aws.add_fault(fault(service="ecs", stuck=True))
    start = time.monotonic()
    done = command(scenario.aws, "wait", "-timeout=1500ms")
    assert done.returncode == 1 and "AWS has not answered" in done.stderr
    assert time.monotonic() - start < 1.5 * 4 * patience()  # a silent call alone takes longer


def test_wait_asks_a_throttled_account_seldom(scenario):
    scenario.bridge(8080)
    scenario.aws.add_fault(throttled())
    done = command(scenario.aws, "wait", "-timeout=12s", "-poll=1s-1s")
    assert done.returncode == 1 and "Rate exceeded" in done.stderr
    # Without regard to it there would be ten polls, each with its retries.
    assert scenario.aws.count("ecs", "ListTasks") < 20


@pytest.mark.parametrize("state, why", [({"lastStatus": "PENDING"}, "PENDING"), (None, "no task")])
def test_wait_gives_up_with_the_reason(scenario, state, why):
    if state is not None:
        scenario.bridge(8080, **state)
    done = command(scenario.aws, "wait", "-timeout=4s")
    assert done.returncode == 1
    assert "is not ready after -timeout" in done.stderr and why in done.stderr
