#!/usr/bin/python3
"""The whole system on this machine: a local AWS, tasks on 127.0.0.x, the kite, and clients.

    make demo            (or: /usr/bin/python3 examples/local-demo/demo.py, after make all)
    make demo STAY=1     goes on until Enter is pressed, for a look at the status page

Nothing leaves the loopback interface and no AWS account is used. Exit status 0 means that not one
request failed.
"""

import contextlib
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import time

import screen
from actors import Clients, Task

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from fake_aws.client import (FakeAws, awsvpc_task, bridge_task, fault,  # noqa: E402
                             fargate_task, instance, task_definition)

KITE = os.environ.get("KITE_BINARY", "build/ecs-task-kite")
FAMILY, CONTAINER = "orders", "app"
CLIENTS = 12
WAIT_MAX = 15.0


def free_port(first):
    """That one or the next that is free on every local address."""
    for port in range(first, first + 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is free
            probe.bind(("0.0.0.0", port))
            return port
    sys.exit(f"no free port from {first} to {first + 999}")


class Cluster:
    """The tasks and what AWS says of them."""

    def __init__(self, aws, port):
        self.aws, self.port = aws, port
        self.tasks, self._ids = [], {}
        aws.put_task_definition(task_definition(FAMILY, 4, "awsvpc", {CONTAINER: [port]}))

    def add_bridge(self, name, host):
        """On an EC2 instance in bridge mode: the instance's address, a dynamic host port."""
        task = Task(name, "", host)
        task.note = f"EC2, bridge     {host}:{task.port}"
        on = self.aws.put_instance(instance(host))
        self._tell(task, bridge_task("default", FAMILY, 3, CONTAINER,
                                     [(self.port, task.port)], on))

    def add_awsvpc(self, name, host, on=None):
        """With an interface of its own: the task's address, the container port. Fargate unless
        `on` an instance."""
        kind = "Fargate, awsvpc" if on is None else "EC2, awsvpc"
        task = Task(name, f"{kind:<15} {host}:{self.port}", host, self.port)
        if on is None:
            told = fargate_task("default", FAMILY, 4, CONTAINER, host)
        else:
            told = awsvpc_task("default", FAMILY, 4, CONTAINER, host,
                               self.aws.put_instance(instance(on)))
        self._tell(task, told)

    def _tell(self, task, told):
        self.tasks.append(task)
        self._ids[task.name] = self.aws.put_task(told)

    def say_stopping(self, task):
        """What ECS says while a container has its SIGTERM and its grace period."""
        self.aws.change_task(self._ids[task.name], desiredStatus="STOPPED")

    def remove(self, task):
        task.stop()
        self.aws.delete_task(self._ids[task.name])
        task.note = "stopped"

    def stop_all(self):
        for task in self.tasks:
            if task.note != "stopped":
                task.stop()

    def wait_polls(self, count=1):
        """Until the kite has begun and ended `count` polls from now on."""
        self.aws.wait_for_calls("ecs", "ListTasks", count + 1, timeout=WAIT_MAX)

    def rows(self, counts):
        return [(task.name, task.note, counts[task.name]) for task in self.tasks]


@contextlib.contextmanager
def running_kite(aws, port, admin):
    """The program, told of its target and of an AWS that happens to be local."""
    program = (ROOT / KITE).resolve()
    if not program.exists():
        sys.exit(f"{program} is not built yet: run make demo, or make all and this again")
    flags = [f"-name={CONTAINER}", f"-family={FAMILY}", "-bind=127.0.0.1", "-poll=1s-1s",
             "-loglevel=warn", f"-admin={admin}"]
    screen.command(shlex.join([KITE, *flags]))
    kite = subprocess.Popen([str(program), *flags],
                            env={"PATH": "/usr/bin:/bin", **aws.env()}, stderr=subprocess.PIPE)
    try:
        wait_for_port(kite, port)
        yield kite
        kite.terminate()
        kite.wait(WAIT_MAX)
    finally:
        if kite.poll() is None:
            kite.kill()
            kite.wait()


def wait_for_port(kite, port):
    deadline = time.monotonic() + WAIT_MAX
    while time.monotonic() < deadline:
        if kite.poll() is not None:
            sys.exit(f"the kite ended with status {kite.returncode}: "
                     f"{kite.stderr.read().decode(errors='replace')}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"the kite did not listen on port {port} within {WAIT_MAX:.0f} s")


def let_them_ask(clients, answers):
    """Until that many answers came in a phase of its own, or no more come."""
    clients.new_phase()
    deadline = time.monotonic() + WAIT_MAX
    while sum(clients.counted().values()) < answers and time.monotonic() < deadline:
        time.sleep(0.02)
    return clients.counted()


def stop_one(cluster, clients):
    leaving = cluster.tasks[1]
    screen.step(3, f"Stop a task: {leaving.name}")
    screen.say("ECS marks it as stopping and gives it time to finish. The kite learns that at its "
               "next poll and sends no new connection there; only then the task goes away. The "
               "clients never pause.")
    cluster.say_stopping(leaving)
    cluster.wait_polls()
    cluster.remove(leaving)
    screen.chart(cluster.rows(let_them_ask(clients, 400)))


def add_one(cluster, clients):
    screen.step(4, "Start a task: mango")
    screen.say("A Fargate task with an address of its own. Nobody tells the kite; it finds it.")
    cluster.add_awsvpc("mango", "127.0.0.6")
    cluster.wait_polls()
    screen.chart(cluster.rows(let_them_ask(clients, 400)))


def break_the_api(cluster, clients):
    screen.step(5, "Break the ECS API")
    screen.say("Every call is answered with status 500 for a while. What the kite knows stays "
               "good: only evidence shrinks its set.")
    cluster.aws.set_faults(fault("*", status=500, body="out of order"))
    cluster.wait_polls()
    counts = let_them_ask(clients, 400)
    cluster.aws.clear_faults()
    screen.chart(cluster.rows(counts))


def stay(admin):
    screen.step(6, "Everything goes on until Enter is pressed")
    screen.say(f"Status page: http://{admin}/ ; metrics: http://{admin}/metrics .")
    with contextlib.suppress(EOFError):
        input()


def read_status(pid, field):
    with open(f"/proc/{pid}/status") as lines:
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(field))


def conclude(clients, kite_facts, started):
    screen.step(7 if os.environ.get("STAY") else 6, "The account")
    failed = len(clients.failures)
    screen.fact("requests answered", clients.answers)
    screen.fact("requests failed", screen.good("0") if not failed else screen.bad(str(failed)))
    for name, value in kite_facts:
        screen.fact(name, value)
    screen.fact("duration", f"{time.monotonic() - started:.0f} s")
    for failure in clients.failures[:5]:
        print(f"   {screen.bad('failed:')} {failure}")
    return 0 if not failed and clients.answers else 1


def kite_facts(kite, aws):
    calls = aws.calls()
    return [("the kite's memory", read_status(kite.pid, "VmRSS")),
            ("the kite's threads", read_status(kite.pid, "Threads")),
            ("calls to ECS and EC2", sum(calls["services"][s]["total"] for s in ("ecs", "ec2"))),
            ("over connections", sum(calls["listeners"][s]["connections"]
                                     for s in ("ecs", "ec2")))]


def main():
    started, port, admin = time.monotonic(), free_port(8080), f"127.0.0.1:{free_port(9902)}"
    screen.title("ECS Task Kite: every connection to 127.0.0.1 reaches a running task")
    with FakeAws() as aws:
        cluster = Cluster(aws, port)
        screen.step(1, f"A cluster runs four tasks of family {FAMILY}")
        cluster.add_bridge("apple", "127.0.0.2")
        cluster.add_bridge("cherry", "127.0.0.3")
        cluster.add_awsvpc("grape", "127.0.0.4", on="127.0.0.3")
        cluster.add_awsvpc("lemon", "127.0.0.5")
        screen.say("The ECS and EC2 APIs are played by a local stand-in that checks signatures. "
                   "The kite is told a container name and a family, nothing else:")
        with running_kite(aws, port, admin) as kite:
            screen.say(f"While this runs, its status page is at http://{admin}/ .")
            screen.step(2, f"{CLIENTS} clients ask 127.0.0.1:{port}, each time on a new connection")
            clients = Clients(port, CLIENTS)
            clients.start()
            screen.chart(cluster.rows(let_them_ask(clients, 400)))
            stop_one(cluster, clients)
            add_one(cluster, clients)
            break_the_api(cluster, clients)
            if os.environ.get("STAY"):
                stay(admin)
            clients.finish()
            facts = kite_facts(kite, aws)
        status = conclude(clients, facts, started)
        cluster.stop_all()
    print()
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # the kite and the local AWS were told too
        sys.exit(130)
