"""The examples are what they say: ECS accepts them, the kite knows their flags, and they run."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

import botocore.session
import botocore.validate
import pytest

from e2e.waiting import free_port
from fake_aws.client import FakeAws, bridge_task, instance

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"
KITE = pathlib.Path(os.environ.get("KITE_BINARY", ROOT / "build/ecs-task-kite"))
PYTHON = "/usr/bin/python3"
DEFINITIONS = sorted(EXAMPLES.glob("*/*.task.json"))
SHAPE = botocore.session.Session().get_service_model("ecs").operation_model(
    "RegisterTaskDefinition").input_shape


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def containers_of(path):
    return {each["name"]: each for each in load(path)["containerDefinitions"]}


def kites():
    """(path, kite's container, its flags) of every definition with a kite."""
    found = []
    for path in DEFINITIONS:
        for container in containers_of(path).values():
            if "/ecs-task-kite:" in container["image"]:
                flags = {}
                for word in container["command"]:
                    match = re.fullmatch(r"--?([a-z0-9-]+)=(.*)", word)
                    assert match, f"{path.name}: {word}"
                    flags[match[1]] = match[2]
                found.append((path, container, flags))
    return found


def known_flags():
    help_text = subprocess.run([KITE, "-help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  -([a-z0-9-]+)", help_text, re.MULTILINE))


def test_there_are_examples():
    assert len(DEFINITIONS) == 5 and len(kites()) == 3


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_definitions_pass_the_service_model(path):
    report = botocore.validate.ParamValidator().validate(load(path), SHAPE)
    assert not report.has_errors(), report.generate_report()


def test_the_validator_sees_mistakes():
    bad = {**load(DEFINITIONS[0]), "networkmode": "bridge"}
    assert botocore.validate.ParamValidator().validate(bad, SHAPE).has_errors()


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_definitions_keep_the_rules_of_their_network_mode(path):
    definition, containers = load(path), containers_of(path)
    for container in containers.values():
        for link in container.get("links", []):
            assert definition["networkMode"] == "bridge"
            assert link.partition(":")[0] in containers
        for dependency in container.get("dependsOn", []):
            assert dependency["containerName"] in containers
        for mapping in container.get("portMappings", []):
            if definition["networkMode"] == "awsvpc":
                assert mapping.get("hostPort", mapping["containerPort"]) == mapping["containerPort"]
    if "FARGATE" in definition["requiresCompatibilities"]:
        assert definition["cpu"] and definition["memory"] and definition["executionRoleArn"]
    else:
        assert all(container["memory"] >= 6 for container in containers.values())


def test_kites_use_flags_that_exist_and_name_what_exists():
    targets = {load(path)["family"]: path for path in DEFINITIONS}
    for path, container, flags in kites():
        assert set(flags) <= known_flags()
        assert ("family" in flags) != ("service" in flags)
        containers = containers_of(targets[flags.get("family") or flags["service"]])
        assert ("name" in flags) != ("namespace" in flags)
        wanted = [containers[flags["name"]]] if "name" in flags else containers.values()
        ports = {mapping["containerPort"]
                 for target in wanted for mapping in target["portMappings"]}
        if "port" in flags:
            assert int(flags["port"].rpartition(":")[2]) in ports
        names = {entry["name"] for entry in container["environment"]}
        assert "AWS_REGION" in names and "taskRoleArn" in load(path)


def test_the_kite_itself_knows_the_flags():
    if "KITE_BINARY" not in os.environ:
        pytest.skip("KITE_BINARY is not set")
    done = subprocess.run([KITE, "-help"], capture_output=True, timeout=10, check=True, text=True)
    for _, _, flags in kites():
        for flag in flags:
            assert re.search(rf"(^|\s)-{flag}\b", done.stdout + done.stderr), flag


def test_policy():
    policy = load(EXAMPLES / "iam-policy.json")
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert actions == {"ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeContainerInstances",
                       "ecs:DescribeTaskDefinition", "ecs:DescribeServices",
                       "ec2:DescribeInstances",
                       "ec2:DescribeNetworkInterfaces"}
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    for statement in policy["Statement"]:
        scoped = "Condition" in statement
        cluster_reads = {"ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeContainerInstances"}
        assert (set(statement["Action"]) == cluster_reads) == scoped
    other = EXAMPLES / "assume-role"
    caller, role = (load(other / name)["Statement"][0]
                    for name in ("caller-policy.json", "trust-policy.json"))
    assert caller["Action"] == role["Action"] == "sts:AssumeRole"
    text = (other / "README.md").read_text(encoding="utf-8")
    assert f"-assume-role={caller['Resource']}" in text
    assert f"-external-id={role['Condition']['StringEquals']['sts:ExternalId']}" in text
    trust = load(EXAMPLES / "task-role-trust-policy.json")
    assert trust["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_policy_for_cloud_map():
    statement, = load(EXAMPLES / "cloud-map/iam-policy.json")["Statement"]
    assert statement["Action"] == ["servicediscovery:DiscoverInstances",
                                   "servicediscovery:DiscoverInstancesRevision"]
    assert statement["Effect"] == "Allow" and statement["Resource"] == "*"


def test_links_in_the_texts_lead_somewhere():
    for page in EXAMPLES.rglob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


# -- the collect-instance-ids programs, run here --------------------------------------------


def fetch(port, address="127.0.0.1"):
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{address}:{port}/", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


class Programs:
    """Starts the example's programs and ends them."""

    def __init__(self):
        self._started = []

    def start(self, command, **env):
        env = {"PATH": "/usr/bin:/bin", "no_proxy": "127.0.0.1", **env}
        self._started.append(subprocess.Popen(command, env=env))

    def start_script(self, name, address, port, **env):
        self.start([PYTHON, str(EXAMPLES / "collect-instance-ids" / name)], ADDRESS=address,
                   PORT=str(port), **env)

    def end(self):
        for process in self._started:
            process.terminate()
        for process in self._started:
            process.wait(10)


@pytest.fixture
def programs():
    started = Programs()
    yield started
    started.end()


def test_the_programs_without_a_kite(programs):
    with FakeAws() as aws:
        server, page = free_port(), free_port()
        programs.start_script("serve_instance_id.py", "127.0.0.2", server,
                              METADATA_ENDPOINT=aws.imds_url)
        aws.wait_until(lambda: fetch(server, "127.0.0.2") == "i-0123456789abcdef0")
        programs.start_script("collect_instance_ids.py", "127.0.0.1", page,
                              SOURCE=f"http://127.0.0.2:{server}/", INTERVAL_SECONDS="0.01")
        aws.wait_until(lambda: "<td>i-0123456789abcdef0</td>" in fetch(page))
        assert "0 requests failed" in fetch(page)


def test_the_whole_example_through_a_kite(programs):
    if not KITE.exists():
        pytest.skip(f"no kite at {KITE}")
    flags = next(flags for _, _, flags in kites() if "family" in flags)
    listen, page = free_port(), free_port()
    with FakeAws() as aws:
        for address in ("127.0.0.2", "127.0.0.3"):
            port = free_port()  # no metadata: each answers with the host name it is given
            programs.start([PYTHON, "-c", SERVE_NAMED, str(EXAMPLES / "collect-instance-ids"),
                            address, str(port)])
            host = aws.put_instance(instance(address))
            aws.put_task(bridge_task(flags["cluster"], flags["family"], 1, flags["name"],
                                     [(8080, port)], host))
            aws.wait_until(lambda: fetch(port, address) == address)
        words = [f"-{name}={value}" for name, value in flags.items()]
        programs.start([str(KITE), *words, f"-port={listen}:8080", "-bind=127.0.0.1"], **aws.env())
        programs.start_script("collect_instance_ids.py", "127.0.0.1", page,
                              SOURCE=f"http://127.0.0.1:{listen}/", INTERVAL_SECONDS="0.01")
        aws.wait_until(lambda: all(f"<td>{address}</td>" in fetch(page)
                                   for address in ("127.0.0.2", "127.0.0.3")))


SERVE_NAMED = """
import http.server, sys
sys.path.insert(0, sys.argv[1])
import serve_instance_id
serve_instance_id.Handler.identity = sys.argv[2]
http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[3])),
                                serve_instance_id.Handler).serve_forever()
"""
