"""-access-log: one line for each connection, in the forms that people and programs read."""

import json
import re
import socket
import threading

import pytest
from backends import name_then_echo
from clients import LOCAL, connect, echo_once, names, read_line
from waiting import eventually, free_port

FIELDS = ["time", "level", "event", "cx", "target", "port", "client", "backend", "task", "zone",
          "reason", "in_bytes", "out_bytes", "held_ms", "connect_ms", "duration_ms", "tries",
          "error"]


def test_a_line_tells_who_reached_whom_and_how_it_went(scenario, start_kite, port):
    task, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite("-access-log", "-loglevel=warn").wait_listening(port)
    with connect(port) as client:
        banner = read_line(client)
        echo_once(client, bytes(1000))
        client_address = "{}:{}".format(*client.getsockname())
    (line,) = eventually(lambda: kite.lines(event="connection"), 10)
    assert list(line) == FIELDS
    assert line["client"] == client_address and line["port"] == str(port)
    assert line["backend"] == f"{backend.host}:{backend.port}" and line["task"] == task
    assert line["zone"].startswith("eu-west-1") and line["target"] == "family/web/app"
    assert line["in_bytes"] == "1000" and line["out_bytes"] == str(1000 + len(banner) + 1)
    assert line["reason"] == "finished" and line["tries"] == "1" and line["level"] == "info"


def test_json_has_the_same_fields_with_numbers_as_numbers(scenario, start_kite, port):
    kite = start_kite("-access-log", "-log-format=json", f"-port={port}", "-hold=0")
    kite.wait_listening(port)
    scenario.settle()
    scenario.bridge_at(port, "127.0.0.2", free_port())
    scenario.settle(2)
    with pytest.raises(ConnectionResetError), connect(port) as client:
        client.recv(1)

    def found():
        lines = [json.loads(line) for line in kite.lines() if '"event":"connection"' in line]
        return [line for line in lines if line["reason"] == "every_attempt_failed"]
    (line,) = eventually(found, 10)
    assert list(line) == FIELDS
    assert line["port"] == port and line["connect_ms"] == -1 and line["tries"] == 1
    assert line["error"].startswith("Connection refused") and line["task"] == ""


def test_no_line_is_held_back_for_there_being_many(scenario, start_kite, port):
    scenario.bridge(port, name_then_echo)
    kite = start_kite("-access-log").wait_listening(port)
    many = 800  # the log's own limit is 200 a second
    threads = [threading.Thread(target=names, args=(port, many // 8)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(kite.lines(event="connection")) == many, 20)
    assert not kite.lines(suppressed_lines=re.compile("."))


def test_a_log_that_nobody_reads_stops_no_traffic_and_is_counted(scenario, start_kite, port):
    _, backend = scenario.bridge(port, name_then_echo)
    admin = free_port()
    kite = start_kite("-access-log", f"-admin={LOCAL}:{admin}", deaf=True)
    eventually(lambda: port in kite.listening_ports(), 15)
    assert names(port, 200)[backend.name] == 200

    def dropped():
        with socket.create_connection((LOCAL, admin), 10) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            page = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        return int(re.search(r"^kite_access_log_lines_dropped_total (\d+)", page, re.M)[1])
    eventually(lambda: dropped() > 100, 10)
    assert kite.stop() == 0
