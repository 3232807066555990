"""Every fault does what README.md says, seen from a plain socket or from boto3."""

import concurrent.futures
import http.client
import json
import os
import socket
import time
import urllib.parse

import pytest

from .builders import bridge_task, fault, fargate_task, instance, throttled
from .raw_client import Answer, ec2_call, ecs_call, ecs_headers, send

LIST = b"{}"


def list_tasks(aws):
    return ecs_call(aws.ecs_url, "ListTasks", {})


def open_connection(url):
    address = urllib.parse.urlsplit(url)
    return socket.create_connection((address.hostname, address.port), 10)


def list_request(aws):
    """The bytes of a good ListTasks."""
    headers = ecs_headers(aws.ecs_url, LIST)
    lines = ["POST / HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + f"\r\nContent-Length: {len(LIST)}\r\n\r\n").encode() + LIST


def start_list(aws, connection):
    """Sends ListTasks on an open connection without waiting for the answer."""
    connection.sendall(list_request(aws))


def read_all(connection):
    data = b""
    while True:
        part = connection.recv(65536)
        if not part:
            return data
        data += part


def test_match_times_and_skip(aws):
    aws.set_faults(throttled("ListTasks", times=2, skip=1))
    assert [list_tasks(aws).code for _ in range(4)] == [None] + ["ThrottlingException"] * 2 + [None]
    aws.set_faults(throttled("DescribeTasks"), fault("*", "ec2", status=500, body="x"))
    assert list_tasks(aws).status == 200
    assert ec2_call(aws.ec2_url, {"Action": "DescribeInstances"}).status == 500
    assert aws.count("ec2", "DescribeInstances", "fault:status") == 1
    aws.clear_faults()
    assert ec2_call(aws.ec2_url, {"Action": "DescribeInstances"}).status == 200


def test_faults_in_order_one_ending_at_a_time(aws):
    aws.set_faults(throttled(times=1), fault(times=1, service="ecs", status=500, body=""))
    assert [list_tasks(aws).status for _ in range(3)] == [400, 500, 200]


def test_a_wrong_signature_meets_no_fault(aws):
    aws.set_faults(throttled(times=1))
    answer = ecs_call(aws.ecs_url, "ListTasks", {}, secret="wrong")
    assert answer.code == "InvalidSignatureException"
    assert list_tasks(aws).code == "ThrottlingException"


def test_probability_repeats_from_its_seed(aws):
    def run(seed):
        aws.set_faults({**throttled(), "probability": 0.5, "seed": seed})
        return [list_tasks(aws).status for _ in range(40)]
    first = run(1)
    assert run(1) == first != run(2) and 5 < first.count(400) < 35


def test_errors_in_each_shape(aws):
    error = {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
    aws.set_faults(fault(error={**error, "type": "com.amazon.x#ThrottlingException:http://x/"}))
    assert list_tasks(aws).json["__type"] == "com.amazon.x#ThrottlingException:http://x/"
    aws.set_faults(fault(error={**error, "in_header": True}))
    answer = list_tasks(aws)
    assert "__type" not in answer.json
    assert answer.headers["x-amzn-ErrorType"] == "ThrottlingException"
    aws.set_faults(throttled(service="ec2"))
    answer = ec2_call(aws.ec2_url, {"Action": "DescribeInstances"})
    assert (answer.status, answer.code) == (503, "RequestLimitExceeded")
    assert b"<RequestID>" in answer.body


def test_bodies_that_are_no_answer(aws):
    aws.set_faults(fault(html=True))
    assert list_tasks(aws).body.startswith(b"<!DOCTYPE html>")
    aws.set_faults(fault(html=True, status=503))
    assert list_tasks(aws).status == 503
    aws.set_faults(fault(garbage=True))
    with pytest.raises(ValueError):
        list_tasks(aws).json
    aws.set_faults(fault(empty_body=True))
    assert (list_tasks(aws).status, list_tasks(aws).body) == (200, b"")
    aws.set_faults(fault(headers={"x-amz-retry-after": "200", "Date": None}))
    headers = list_tasks(aws).headers
    assert headers["x-amz-retry-after"] == "200" and "Date" not in headers


def test_huge(aws):
    aws.set_faults(fault(huge=3_000_000))
    answer = list_tasks(aws)
    assert len(answer.json["padding"]) == 3_000_000
    assert len(answer.body) == int(answer.headers["Content-Length"])
    answer = ec2_call(aws.ec2_url, {"Action": "DescribeInstances"})
    assert answer.status == 200 and answer.code is None and len(answer.body) > 3_000_000


def test_huge_waits_for_a_slow_reader(aws):
    aws.set_faults(fault(huge=200_000_000, chunked=True))
    with open_connection(aws.ecs_url) as connection:
        start_list(aws, connection)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        sent = [aws.calls()["listeners"]["ecs"]["bytes_out"] for _ in range(20)][-1]
        assert sent < 50_000_000


def test_connections_that_break(aws):
    aws.set_faults(fault(reset=True))
    with pytest.raises(ConnectionResetError):
        list_tasks(aws)
    aws.set_faults(fault(reset_after_bytes=30))
    with open_connection(aws.ecs_url) as connection:
        start_list(aws, connection)
        assert len(connection.recv(100)) == 30
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    aws.set_faults(fault(truncate=5))
    with pytest.raises(http.client.IncompleteRead) as short:
        list_tasks(aws)
    assert len(short.value.partial) == 5
    aws.set_faults(fault(chunked=True, truncate=5))
    with pytest.raises(http.client.IncompleteRead):
        list_tasks(aws)


def test_stuck_keeps_the_connection_and_nobody_else_waits(aws):
    aws.set_faults(fault("ListTasks", stuck=True, times=1))
    with open_connection(aws.ecs_url) as connection:
        start_list(aws, connection)
        aws.wait_until(lambda: aws.count("ecs") == 1)
        assert list_tasks(aws).status == 200
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert aws.calls()["services"]["ecs"]["in_flight"] == 1
    aws.wait_until(lambda: aws.calls()["services"]["ecs"]["in_flight"] == 0)


def test_chunked_and_closing(aws):
    aws.put_tasks([fargate_task("default", "f", 1, "c", f"127.0.0.{i}") for i in range(1, 60)])
    plain = list_tasks(aws).json
    aws.set_faults(fault(chunked=True))
    answer = list_tasks(aws)
    assert answer.headers["Transfer-Encoding"] == "chunked" and answer.json == plain
    for action, announced in (("close", "close"), ("close_silently", None)):
        aws.set_faults(fault(**{action: True}))
        with open_connection(aws.ecs_url) as connection:
            start_list(aws, connection)
            data = read_all(connection)  # ends only because the fake closes
            assert (b"Connection: close" in data) == (announced is not None)


def test_delay_shows_requests_in_flight(aws):
    aws.set_faults(fault("ListTasks", delay_ms=100), fault("ListTasks", delay_ms=50))
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: list_tasks(aws).status, range(4)))
    assert answers == [200] * 4 and 0.15 <= time.monotonic() - started
    assert aws.calls()["services"]["ecs"]["max_in_flight"] == 4


def test_one_connection_answers_in_order(aws):
    aws.set_faults(fault("ListTasks", delay_ms=30, times=1, headers={"X-First": "yes"}))
    with open_connection(aws.ecs_url) as connection:
        start_list(aws, connection)
        start_list(aws, connection)
        first = http.client.HTTPResponse(connection)
        first.begin()
        assert Answer(first).headers["X-First"] == "yes"
    assert aws.calls()["services"]["ecs"]["max_in_flight"] == 1


def describe(aws, task):
    return ecs_call(aws.ecs_url, "DescribeTasks", {"tasks": [task]}).json


def test_changed_members_of_ecs(aws):
    task = aws.put_task(bridge_task("default", "web", 1, "c", [(80, 32768)], "i-1"))
    good = describe(aws, task)
    aws.set_faults(fault(null_members=True))
    assert set(describe(aws, task)["tasks"][0].values()) == {None}
    aws.set_faults(fault(null_members=["networkBindings"]))
    assert describe(aws, task)["tasks"][0]["containers"][0]["networkBindings"] is None
    aws.set_faults(fault(drop_members=["containers", "lastStatus"]))
    assert set(good["tasks"][0]) - set(describe(aws, task)["tasks"][0]) == {"containers",
                                                                            "lastStatus"}
    aws.set_faults(fault(extra_members=True))
    richer = describe(aws, task)["tasks"][0]
    assert list(richer)[0] == "futureMember" and richer["lastStatus"] == "RUNNING"
    aws.set_faults(fault(wrong_types=True))
    bound = describe(aws, task)["tasks"][0]["containers"][0]["networkBindings"][0]
    assert bound == {"bindIP": 17, "containerPort": "seventeen", "hostPort": "seventeen",
                     "protocol": 17}
    aws.set_faults(fault(wrong_types=["containers"]))
    assert describe(aws, task)["tasks"][0]["containers"] == 17
    aws.set_faults(fault(empty_set=True))
    assert describe(aws, task) == {"tasks": [], "failures": []}
    aws.set_faults(fault("ListTasks", empty_set=True))
    assert list_tasks(aws).json == {"taskArns": []}
    aws.clear_faults()
    assert describe(aws, task) == good  # the state itself was never touched


def test_changed_members_of_ec2(aws):
    aws.put_instance(instance("127.0.0.2", public_ip="127.0.1.2"))

    def body(**action):
        aws.set_faults(fault(**action))
        return ec2_call(aws.ec2_url, {"Action": "DescribeInstances"}).body.decode()
    assert "<privateIpAddress>127.0.0.2</privateIpAddress>" in body(delay_ms=1)
    assert "<privateIpAddress/>" in body(null_members=True)
    assert "ipAddress>" not in body(drop_members=["ipAddress"])
    text = body(extra_members=True)
    assert text.index("203.0.113.99") < text.index("127.0.0.2")
    assert "<privateIpAddress>17<" in body(wrong_types=["privateIpAddress"])
    assert "<reservationSet/>" in body(empty_set=True)
    text = body(doctype=True)
    assert "<!DOCTYPE" in text and "<!ENTITY" in text and "&d;" in text


def test_thousands_of_polls_do_not_grow_the_fake(aws):
    def resident_kib():
        with open(f"/proc/{aws.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def cpu_seconds():  # not wall time: the machine may be busy with other things
        with open(f"/proc/{aws.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    request = list_request(aws)
    with open_connection(aws.ecs_url) as connection, connection.makefile("rb") as answers:
        def poll(times):
            for _ in range(times):
                connection.sendall(request)
                length = 0
                while (line := answers.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length"):
                        length = int(line.split(b":")[1])
                answers.read(length)
        poll(2500)
        before, started = resident_kib(), cpu_seconds()
        poll(4000)
        rate = 4000 / (cpu_seconds() - started)
    assert resident_kib() - before < 1024
    assert len(aws.log(10000)) == 2000
    assert rate > 1000, f"{rate:.0f} requests a second of processor time"


def test_a_large_account(aws):
    hosts = [instance(f"127.1.{i // 250}.{i % 250 + 1}") for i in range(500)]
    aws.put_instances(hosts)
    aws.put_tasks([bridge_task("default", "web", 1, "c", [(80, 30000 + i)], hosts[i % 500])
                   for i in range(5000)])
    started, token, listed, described = time.monotonic(), None, [], 0
    while True:
        answer = ecs_call(aws.ecs_url, "ListTasks", {"family": "web", **(
            {"nextToken": token} if token else {})}).json
        listed += answer["taskArns"]
        described += len(ecs_call(aws.ecs_url, "DescribeTasks",
                                  {"tasks": answer["taskArns"]}).json["tasks"])
        token = answer.get("nextToken")
        if not token:
            break
    assert len(set(listed)) == described == 5000
    ids = [host["instanceId"] for host in hosts]
    for start in range(0, 500, 200):
        part = {f"Filter.1.Value.{i + 1}": each for i, each in enumerate(ids[start:start + 200])}
        answer = ec2_call(aws.ec2_url, {"Action": "DescribeInstances", "MaxResults": "1000",
                                        "Filter.1.Name": "instance-id", **part})
        assert answer.body.count(b"<instanceId>") == len(part)
    assert time.monotonic() - started < 10
    assert json.dumps(aws.log(1))


def test_send_helper_sends_what_it_is_given(aws):
    """The tests above rest on it: a header given twice arrives twice."""
    headers = {**ecs_headers(aws.ecs_url, LIST), "X-Amz-Target": ["a", "b"]}
    assert send(aws.ecs_url, headers, LIST).code == "UnknownOperationException"
