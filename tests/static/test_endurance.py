"""Ten thousand polls, a day's worth, in minutes: the shipped program's memory ends as it began.

`hurried-kite` is the shipped program linked once more, with `hurried_time.cc`: waits are skipped.
"""

import os
import pathlib
import subprocess
import time

import issued
import pytest
from e2e.waiting import free_port
from fake_aws.client import FakeAws, bridge_task, instance
from tls_front import context
from test_https import Fronts

DEBIAN_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
POLLS = int(os.environ.get("KITE_ENDURANCE_POLLS", 10_000))
# So many polls are watched at a time. Within one the memory goes up and down by 180 kB: the answer,
# a handshake, and all of it back when the heap is trimmed. The lowest is what stays. Addresses are
# asked of EC2 every 300 polls, by a connection that is kept for 118 of them and costs 20 kB.
WATCHED_POLLS = 330
# Until the heap has found its shape; measured 40 kB, then nothing.
SETTLING_KIB_MAX = 96
SLOPE_KIB_MAX = 32


@pytest.fixture
def hurried(program, runner):
    if runner:
        pytest.skip("the memory of an emulated program is not its own")
    built = program.parent / "hurried-kite"
    assert built.exists(), "make static-test-programs"
    return built


@pytest.fixture
def aws():
    with FakeAws() as made:
        host = made.put_instance(instance("127.0.0.2"))
        container_port = free_port()
        for port in range(20):
            made.put_task(bridge_task("default", "web", 7, "app", [(container_port, 32771 + port)],
                                      host))
        yield made


def resident_kib(process):
    fields = pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def test_memory_is_level_over_ten_thousand_polls(hurried, aws, tmp_path):
    authority = issued.Authority(tmp_path / "authority")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(DEBIAN_BUNDLE.read_bytes() + authority.bundle.read_bytes())
    leaf = authority.issue("leaf", names=("localhost",))
    log = tmp_path / "log"
    with Fronts(aws, context(*leaf)) as front, log.open("w") as out:
        env = {**aws.env(), "AWS_CA_BUNDLE": str(bundle),
               "AWS_ENDPOINT_URL_ECS": f"https://localhost:{front.port}",
               "AWS_ENDPOINT_URL_EC2": f"https://localhost:{front.ec2_port}"}
        kite = subprocess.Popen([hurried, "-name=app", "-family=web", "-bind=127.0.0.1",
                                 "-poll=1s-1s"], env=env, stderr=out, stdin=subprocess.DEVNULL)
        try:
            def watch(first_poll):
                """The least memory and descriptors over WATCHED_POLLS, once there were so many."""
                seen = []
                while (polls := aws.count("ecs", "ListTasks", "ok")) < first_poll + WATCHED_POLLS:
                    assert kite.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, f"{aws.calls()}\n{log.read_text()}"
                    for _ in range(30):
                        if polls >= first_poll:
                            seen.append((resident_kib(kite), descriptors(kite)))
                        time.sleep(0.004)
                return tuple(min(column) for column in zip(*seen))

            deadline = time.monotonic() + 1200
            first, middle, last = map(watch, (100, POLLS // 2, POLLS - WATCHED_POLLS))
        finally:
            kite.terminate()
            code = kite.wait(10)
    print(f"\nkB resident and descriptors: {first}, {middle}, {last}")
    assert code == 0, log.read_text()
    assert last[0] - first[0] <= SETTLING_KIB_MAX
    assert last[0] - middle[0] <= SLOPE_KIB_MAX
    assert last[1] <= first[1]
    assert "level=warn" not in log.read_text()
