"""Many tasks: what they cost from cold and in steady state; a thousand changes, and a model."""

import json
import random

import pytest
from clients import LOCAL
from fake_aws.client import bridge_task, instance
from test_admin import ask
from waiting import eventually, free_port

CONTAINER_PORT = 80
READS = ("ListTasks", "DescribeTasks", "DescribeContainerInstances", "DescribeInstances")


def serving(admin):
    """The addresses that the kite knows, as its admin page tells them."""
    return {backend["address"] for backend in known(admin)["backends"]}


def known(admin):
    (target,) = json.loads(ask(admin, "/backends")[2])["targets"]
    return target


def polls_of(log):
    """The calls of each poll: a listing with what follows it, or a round of descriptions."""
    polls = []
    for before, entry in zip([None, *log], log):
        begins = (entry["operation"] == "ListTasks" and "nextToken" not in entry["parameters"]
                  or before is not None and entry["operation"] == "DescribeTasks"
                  and entry["time"] - before["time"] > 0.3)
        if begins or not polls:
            polls.append([])
        polls[-1].append(entry["operation"])
    return polls


@pytest.mark.long
def test_five_thousand_tasks_on_five_hundred_instances(aws, start_kite, port):
    hosts = [instance(f"127.9.{i // 250}.{i % 250 + 1}") for i in range(500)]
    aws.put_instances(hosts)
    aws.put_tasks([bridge_task("default", "web", 7, "app", [(port, 20000 + i)], hosts[i % 500])
                   for i in range(5000)])
    admin = free_port()
    start_kite("-poll=10s-10s", f"-admin={LOCAL}:{admin}").wait_listening(port, admin, timeout=60)
    cold = {operation: aws.count("ecs" if operation != "DescribeInstances" else "ec2", operation)
            for operation in READS}
    assert cold == dict(zip(READS, (50, 50, 5, 3)))
    assert known(admin)["backends_total"] == 5000
    aws.reset_calls()
    eventually(lambda: aws.count("ecs", "DescribeTasks") >= 60
               and aws.count("ecs", "ListTasks") > 100, 60, "two listings and a round of all")
    polls = polls_of(aws.log())
    whole = polls[1:-1]
    assert max(map(len, whole)) <= 50, [len(poll) for poll in whole]
    assert any("ListTasks" in poll for poll in whole)


class Model:
    """What there is, and what must serve by the rules of the contract."""

    def __init__(self, aws, chance):
        self._aws, self._chance = aws, chance
        self._hosts = [instance(f"127.8.0.{i + 1}") for i in range(40)]
        aws.put_instances(self._hosts)
        self._tasks = {}   # id to its description
        self._places = {}  # id to (address, port)
        self._ports = iter(range(20000, 60000))

    def serving(self):
        able = {task: made for task, made in self._tasks.items()
                if made["lastStatus"] == made["desiredStatus"] == "RUNNING"
                and not made.get("_missing") and made["containers"][0]["lastStatus"] == "RUNNING"}
        well = [task for task, made in able.items()
                if made["containers"][0]["healthStatus"] != "UNHEALTHY"]
        return {self._places[task] for task in (well or able)}

    def mutate(self):
        """One change, told to AWS. Returns what it was."""
        kinds = [self._start, self._stop, self._move, self._health, self._missing, self._status]
        change = self._start if len(self._tasks) < 30 else self._chance.choice(kinds)
        change()
        return change.__name__

    def shift_pages(self):
        self._aws.set_paging(list_tasks_page=self._chance.randrange(3, 20),
                             empty_first_page=self._chance.random() < 0.3,
                             empty_page_every=self._chance.choice([None, 2, 3]))

    def _put(self, task, **members):
        self._tasks[task].update(members)
        self._aws.put_task(self._tasks[task])

    def _start(self):
        host, port = self._chance.choice(self._hosts), next(self._ports)
        made = bridge_task("default", "web", 7, "app", [(CONTAINER_PORT, port)], host,
                           task_id=f"{self._chance.getrandbits(128):032x}")
        task = self._aws.put_task(made)
        self._tasks[task] = made
        self._places[task] = f"{host['privateIpAddress']}:{port}"
        return task

    def _any(self):
        return self._chance.choice(sorted(self._tasks))

    def _stop(self):
        task = self._any()
        if self._chance.random() < 0.5:  # still listed
            return self._put(task, desiredStatus="STOPPED",
                             lastStatus=self._chance.choice(["RUNNING", "STOPPING", "STOPPED"]))
        self._aws.delete_task(task)
        del self._tasks[task]

    def _move(self):
        """ECS moves a task by ending it and starting another elsewhere."""
        task = self._any()
        self._start()
        self._aws.delete_task(task)
        del self._tasks[task]

    def _health(self):
        task = self._any()
        container = self._tasks[task]["containers"][0]
        other = "UNHEALTHY" if container["healthStatus"] != "UNHEALTHY" else "HEALTHY"
        self._put(task, containers=[{**container, "healthStatus": other}])

    def _missing(self):
        task = self._any()
        self._put(task, _missing=not self._tasks[task].get("_missing", False))

    def _status(self):
        task = self._any()
        container = self._tasks[task]["containers"][0]
        other = "STOPPED" if container["lastStatus"] == "RUNNING" else "RUNNING"
        self._put(task, containers=[{**container, "lastStatus": other}])


@pytest.mark.long
def test_a_thousand_random_mutations_end_where_the_model_does(aws, start_kite):
    seed = 5
    chance = random.Random(seed)
    model, admin = Model(aws, chance), free_port()
    for _ in range(30):
        model.mutate()
    listen = free_port()
    start_kite("-poll=1s-1s", f"-port={listen}:{CONTAINER_PORT}", f"-admin={LOCAL}:{admin}",
               "-loglevel=error").wait_listening(admin)
    kinds, mutations = set(), 0
    while mutations < 1000:
        batch = chance.randrange(30, 100)
        for _ in range(batch):
            kinds.add(model.mutate())
            if chance.random() < 0.2:
                model.shift_pages()  # also while a listing is under way
        mutations += batch
        wanted = model.serving()
        # Health is heard of with the next round: 6 s at a poll a second.
        eventually(lambda: serving(admin) == wanted, 20,
                   f"the model's set after {mutations} mutations, seed {seed}", every=0.1)
    assert len(kinds) == 6
