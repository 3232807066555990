"""What operators ask a running kite, and that hostile askers change nothing for its clients."""

import contextlib
import json
import os
import re
import socket
import stat
import subprocess
import threading

import pytest
from fake_aws.client import bridge_task

from backends import name_then_echo
from clients import LOCAL, connect, connections, echo_once, names, read_all, read_line
from kite import binary
from waiting import eventually, free_port, patience

SLOW = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "


@pytest.fixture
def admin():
    return free_port()


def ask(admin, path, method="GET", host="localhost", at=LOCAL):
    """(status, head, body) of a page, by TCP port or path of a unix socket."""
    if isinstance(admin, int):
        sock = connect(admin, at)
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(15 * patience())
        sock.connect(str(admin))
    with sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), body.decode()


def metric(admin, name):
    """The sum of a metric's samples."""
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", ask(admin, "/metrics")[2], re.MULTILINE)
    return sum(map(float, found))


def healthcheck(admin):
    return subprocess.run([binary(), "healthcheck", f"-admin={admin}"], capture_output=True,
                          text=True, timeout=60, env={"PATH": "/usr/bin:/bin"})


def test_ready_when_there_is_a_backend_and_the_healthcheck_agrees(scenario, start_kite, port,
                                                                   admin):
    address = f"{LOCAL}:{admin}"
    assert healthcheck(address).returncode == 1  # nobody there
    start_kite(f"-admin={address}", f"-port={port}").wait_listening(port, admin)
    scenario.settle(2)
    status, _, reason = ask(admin, "/readyz")
    assert status == 503 and "family/web/app" in reason
    done = healthcheck(address)
    assert done.returncode == 1 and "family/web/app" in done.stderr
    assert ask(admin, "/healthz")[::2] == (200, "ok\n")
    scenario.bridge(port)
    eventually(lambda: ask(admin, "/readyz")[0] == 200, 15)
    done = healthcheck(address)
    assert (done.returncode, done.stdout) == (0, "ready: 1 backend\n")


def test_an_ipv6_address_is_as_good(scenario, start_kite, port, admin):
    address = f"[::1]:{admin}"
    assert healthcheck(address).returncode == 1  # nobody there
    scenario.bridge(port)
    kite = start_kite(f"-admin={address}").wait_listening(port, admin)
    assert ("::1", admin) in kite.listeners()
    for host in ("localhost", address):
        assert ask(admin, "/readyz", host=host, at="::1")[::2] == (200, "ready: 1 backend\n")
    done = healthcheck(address)
    assert (done.returncode, done.stdout) == (0, "ready: 1 backend\n"), done.stderr


def test_pages_tell_what_happened(scenario, start_kite, port, admin):
    task, backend = scenario.bridge(port, name_then_echo)
    kite = start_kite(f"-admin={LOCAL}:{admin}").wait_listening(port)
    names(port, 7)
    eventually(lambda: kite.census().tunnels == 0)
    page = json.loads(ask(admin, "/backends")[2])
    (target,) = page["targets"]
    assert page["ready"] and target["name"] == "family/web/app" and not target["throttled"]
    (shown,) = target["backends"]
    assert shown["address"] == f"127.0.0.2:{backend.port}" and shown["task"] == task
    assert shown["health"] == "UNKNOWN"  # the container has no health check
    (served,) = target["ports"]
    assert served["accepted_total"] == served["tunnels_opened_total"] == 7
    assert served["connections"] == 0 and served["backend_to_client_bytes_total"] > 7
    assert metric(admin, "kite_connections_accepted_total") == 7
    assert metric(admin, "kite_connect_duration_seconds_count") == 7
    assert metric(admin, "kite_snapshot_backends") == 1
    assert metric(admin, "kite_polls_total") >= 1
    assert metric(admin, "kite_api_calls_total") >= 3
    status, head, body = ask(admin, "/")
    assert status == 200 and task in body and "script-src 'sha256-" in head
    assert ask(admin, "/", "HEAD")[2] == ""
    assert ask(admin, "/nothing")[0] == 404
    assert ask(admin, "/", "POST")[0] == 405
    assert ask(admin, "/", host="rebound.example")[0] == 421
    # The asking connection is one more; polls open and close some in between.
    eventually(lambda: metric(admin, "kite_process_open_fds") ==
               len(os.listdir(f"/proc/{kite.pid}/fd")) + 1, 10, "descriptors as the kernel counts")


def test_targets_of_one_name_are_told_apart(scenario, start_kite, port, admin):
    scenario.bridge(port)
    scenario.aws.put_cluster("other")
    other = free_port()
    namesake = f"-target=family=web,name=app,cluster=other,port={other}:{port}"
    start_kite(f"-admin={LOCAL}:{admin}", namesake).wait_listening(port)
    page = ask(admin, "/metrics")[2]
    series = [line.rsplit(" ", 1)[0] for line in page.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    assert any('target="family/web/app#2"' in each for each in series)


def test_pages_are_among_what_is_searched_for_secrets(scenario, start_kite, port, admin,
                                                        sayings):
    """Every test is searched when it is over; this one makes sure that there is what to search."""
    scenario.bridge(port)
    kite = start_kite(f"-admin={LOCAL}:{admin}", "-loglevel=debug").wait_listening(port)
    kite.judge()
    assert len(kite.pages) == 5 and all(kite.pages)
    assert scenario.aws.env()["AWS_SECRET_ACCESS_KEY"] in scenario.aws.secrets()
    sayings.add("a page", kite.pages[0] + scenario.aws.env()["AWS_SECRET_ACCESS_KEY"])
    with pytest.raises(AssertionError, match="tells a secret"):
        sayings.check(scenario.aws.secrets())
    sayings.texts.clear()


def test_a_taken_address_ends_the_start_with_a_sentence(scenario, start_kite, port, admin):
    with socket.create_server((LOCAL, admin)):
        kite = start_kite(f"-admin={LOCAL}:{admin}", f"-port={port}")
        kite.expected_levels = {"error"}
        assert kite.wait() == 1
    (line,) = kite.lines(event="cannot_start")
    assert f"{LOCAL}:{admin}" in line["error"] and "-admin=off" in line["error"]
    assert not scenario.aws.count("ecs", "ListTasks")


def test_the_second_kite_of_a_namespace_serves_without_the_default_address(scenario, start_kite):
    ports = [free_port(), free_port()]
    for port in ports:
        scenario.bridge(port)
    common = ("-name=app", "-family=web", "-bind=127.0.0.1", "-drain-timeout=0", "-poll=1s-1s")
    with socket.create_server((LOCAL, 9902)):  # as if it were another kite
        kite = start_kite(*common, *(f"-port={port}" for port in ports), defaults=False)
        kite.wait_listening(*ports)
        eventually(lambda: names(ports[0], 1), 15)
    (line,) = kite.lines(event="admin_unavailable")
    assert line["level"] == "warn" and f"{LOCAL}:9902" in line["error"]
    assert "-admin" in line["hint"]


def test_pages_show_a_thousand_backends_of_all_targets_together(scenario, start_kite, admin):
    host = scenario.instance("127.0.0.2")
    ports = [free_port(), free_port()]
    for name, port, first in (("a", ports[0], 20000), ("b", ports[1], 21000)):
        scenario.aws.put_tasks([bridge_task("default", name, 7, "app", [(port, first + n)], host)
                                for n in range(600)])
    start_kite(f"-admin={LOCAL}:{admin}", "-family=a",
               "-target=family=b,name=app").wait_listening(*ports)
    page = ask(admin, "/metrics")[2]
    assert page.count("\nkite_backend_up{") == 1000 and len(page) < 3_000_000
    assert metric(admin, "kite_snapshot_backends") == 1200
    targets = json.loads(ask(admin, "/backends")[2])["targets"]
    assert [target["backends_total"] for target in targets] == [600, 600]
    assert sum(len(target["backends"]) for target in targets) == 1000
    assert "1,200 get connections" in ask(admin, "/")[2]


def test_a_unix_socket_is_its_users_alone_and_taken_over(scenario, start_kite, port, tmp_path):
    path = tmp_path / "kite.sock"
    scenario.bridge(port)
    first = start_kite(f"-admin=unix:{path}").wait_listening(port)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ask(path, "/healthz", host="whatever.example")[0] == 200
    assert healthcheck(f"unix:{path}").returncode == 0
    first.kill()
    for _ in range(2):  # a crash and an orderly end leave the name alike
        later = start_kite(f"-admin=unix:{path}").wait_listening(port)
        assert ask(path, "/healthz")[0] == 200
        assert later.stop() == 0


class Crowd:
    """Clients of the admin address that mean no good, for as long as the block lasts; each opens
    `each` connections of its kind, one after the other, and holds the last few."""

    def __init__(self, admin, each):
        self._admin, self._each, self.opened = admin, each, 0
        kinds = (b"", SLOW, SLOW + b"x" * 60_000, os.urandom(4000), b"GET / HTTP/1.1\r\n" * 400,
                 b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        self._threads = [threading.Thread(target=self._bother, args=(kind,)) for kind in kinds]

    def _bother(self, message):
        held = []
        for _ in range(self._each):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((LOCAL, self._admin))
            with contextlib.suppress(OSError):
                sock.send(message)
            held.append(sock)
            self.opened += 1
            if len(held) > 30:
                held.pop(0).close()
        for sock in held:
            sock.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join(120)


def test_10000_hostile_askers_cost_neither_traffic_nor_memory(scenario, start_kite, port, admin):
    scenario.bridge(port, name_then_echo)
    kite = start_kite(f"-admin={LOCAL}:{admin}").wait_listening(port)
    with connections(port, 4) as clients:
        for client in clients:
            read_line(client)
        ask(admin, "/")
        before, open_before = kite.rss_kib(), len(os.listdir(f"/proc/{kite.pid}/fd"))
        with Crowd(admin, 1700) as crowd:
            for _ in range(200):  # traffic goes on, old connections and new ones
                for client in clients:
                    echo_once(client, bytes(2000))
            names(port, 20)
        assert crowd.opened == 10_200
        for client in clients:
            echo_once(client, b"still here")
    eventually(lambda: ask(admin, "/healthz")[0] == 200, 20)
    eventually(lambda: len(os.listdir(f"/proc/{kite.pid}/fd")) <= open_before + 2, 10)
    if "asan" not in os.environ.get("KITE_BINARY", ""):  # its quarantine grows by design
        assert kite.rss_kib() - before < 300
    assert metric(admin, "kite_admin_connections_total") > 20
