"""boto3 and the aws command can use the fake: what they read is what was put."""

import ast
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from .builders import (awsvpc_task, binding, bridge_task, cluster_arn, container_instance,
                       container_instance_arn, eni, fargate_task, host_task, id_of, instance,
                       range_binding, task_arn, task_definition, task_definition_arn)
from .client import PROGRAM, PYTHON, ControlError, FakeAws
from .conftest import client_for
from .raw_client import ecs_call


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_one_bridge_task_end_to_end(aws, ecs, ec2):
    host = aws.put_instance(instance("127.0.0.2", public_ip="127.0.1.2"))
    task = aws.put_task(bridge_task("default", "web", 7, "nginx", [(80, 32771)], host))
    arns = ecs.list_tasks(family="web")["taskArns"]
    assert arns == [task_arn("default", task)]
    answer = ecs.describe_tasks(tasks=arns + ["f" * 32])
    assert answer["failures"] == [{"arn": task_arn("default", "f" * 32), "reason": "MISSING"}]
    found = answer["tasks"][0]
    assert found["containers"][0]["networkBindings"] == [binding(80, 32771)]
    assert found["createdAt"].timestamp() == pytest.approx(1767322800.12)
    hosts = ecs.describe_container_instances(containerInstances=[found["containerInstanceArn"]])
    assert hosts["containerInstances"][0]["ec2InstanceId"] == host
    filters = [{"Name": "instance-id", "Values": [host, "i-0ffffffffffffffff"]}]
    for asked in ({"Filters": filters, "MaxResults": 1000}, {"InstanceIds": [host]}):
        machines = ec2.describe_instances(**asked)["Reservations"][0]["Instances"]
        assert [m["PrivateIpAddress"] for m in machines] == ["127.0.0.2"]
        assert machines[0]["PublicIpAddress"] == "127.0.1.2"
        assert machines[0]["State"] == {"Code": 16, "Name": "running"}
    aws.delete_task(task)
    assert ecs.list_tasks(family="web")["taskArns"] == []
    assert ecs.describe_tasks(tasks=arns)["failures"][0]["reason"] == "MISSING"
    assert aws.calls()["unknown_members"] == {}


def test_other_network_modes(aws, ecs, ec2):
    aws.put_task(host_task("default", "h", 1, "app", "i-0123456789abcdef0"))
    aws.put_task(awsvpc_task("default", "v", 1, "app", "127.0.0.3", on="i-0123456789abcdef0"))
    interface = aws.put_eni(eni("127.0.0.4", public_ip="127.0.1.4"))
    aws.put_task(fargate_task("default", "f", 1, "app", "127.0.0.4", eni=interface, service="s"))
    aws.put_task(bridge_task("default", "r", 1, "app", [range_binding("80-82", "90-92")], "i-1"))
    aws.put_task_definition(task_definition("h", 1, "host", {"app": [8080]}))
    tasks = {task["taskDefinitionArn"].rsplit("/")[-1]: task for task in
             ecs.describe_tasks(tasks=ecs.list_tasks()["taskArns"])["tasks"]}
    assert tasks["h:1"]["containers"][0]["networkBindings"] == []
    interfaces = tasks["v:1"]["containers"][0]["networkInterfaces"]
    assert interfaces[0]["privateIpv4Address"] == "127.0.0.3"
    raw = ecs_call(aws.ecs_url, "DescribeTasks", {"tasks": [tasks["r:1"]["taskArn"]]}).json
    assert raw["tasks"][0]["containers"][0]["networkBindings"] == [range_binding("80-82", "90-92")]
    fargate = tasks["f:1"]
    assert "containerInstanceArn" not in fargate and fargate["group"] == "service:s"
    details = {d["name"]: d["value"] for d in fargate["attachments"][0]["details"]}
    assert details["networkInterfaceId"] == interface
    found = ec2.describe_network_interfaces(
        Filters=[{"Name": "network-interface-id", "Values": [interface]}], MaxResults=1000)
    assert found["NetworkInterfaces"][0]["Association"]["PublicIp"] == "127.0.1.4"
    definition = ecs.describe_task_definition(taskDefinition="h:1")["taskDefinition"]
    assert definition["containerDefinitions"][0]["portMappings"][0]["containerPort"] == 8080
    assert ecs.describe_task_definition(taskDefinition="h")["taskDefinition"]["revision"] == 1
    with pytest.raises(ClientError) as refused:
        ecs.describe_task_definition(taskDefinition="h:2")
    assert code_of(refused) == "ClientException"


def test_list_filters(aws, ecs):
    aws.put_cluster("other")
    web = aws.put_task(bridge_task("default", "web", 7, "c", [], "i-1", service="api"))
    old = aws.put_task(bridge_task("default", "web", 6, "c", [], "i-2", desiredStatus="STOPPED"))
    starting = aws.put_task(fargate_task("default", "web-2", 1, "c", "127.0.0.2",
                                         lastStatus="PROVISIONING", startedBy="me"))
    aws.put_task(bridge_task("default", "web", 7, "c", [], "i-1", _hidden_from_list=True))
    lost = aws.put_task(bridge_task("other", "web", 7, "c", [], "i-1", _missing=True))

    def listed(**filters):
        return sorted(id_of(arn) for arn in ecs.list_tasks(**filters)["taskArns"])

    assert listed() == sorted([web, starting])
    assert listed(cluster=cluster_arn("default"), desiredStatus="STOPPED") == [old]
    assert listed(desiredStatus="PENDING") == []
    assert listed(family="web") == [web] == listed(serviceName="api") == listed(launchType="EC2")
    assert listed(family="unknown") == []
    assert listed(startedBy="me") == [starting]
    assert listed(containerInstance=container_instance_arn("default", "i-1")) == [web]
    assert listed(cluster="other") == [lost]
    assert ecs.describe_tasks(cluster="other", tasks=[lost])["failures"]
    assert ecs.describe_tasks(cluster="other", tasks=[web])["failures"]  # another cluster's task
    aws.delete_task(web)
    assert listed(serviceName="api") == []  # an empty service is not an unknown one
    aws.change_task(starting, desiredStatus="STOPPED")
    assert listed() == []


def test_nonsense_in_the_state_is_shown_not_judged(aws):
    odd = {"containers": 7, "group": [], "containerInstanceArn": 5, "taskDefinitionArn": {},
           "taskArn": None, "clusterArn": 3, "launchType": None}
    aws.control("PUT", "/tasks/" + "a" * 32, odd)
    for filters in ({}, {"containerInstance": "b" * 32}, {"family": "x"}, {"launchType": "EC2"}):
        arns = ecs_call(aws.ecs_url, "ListTasks", filters).json["taskArns"]
        assert arns == ([] if filters else [task_arn("default", "a" * 32)])
    assert ecs_call(aws.ecs_url, "DescribeTasks", {"tasks": [task_arn("default", "a" * 32)]}).json[
        "tasks"] == [odd]


@pytest.mark.parametrize("parameters, code", [
    ({"family": "web:7"}, "InvalidParameterException"),
    ({"family": "web", "serviceName": "s"}, "InvalidParameterException"),
    ({"startedBy": "me", "family": "web"}, "InvalidParameterException"),
    ({"serviceName": "s", "containerInstance": "f" * 32}, "InvalidParameterException"),
    ({"desiredStatus": "UP"}, "InvalidParameterException"),
    ({"launchType": "LAMBDA"}, "InvalidParameterException"),
    ({"maxResults": 0}, "InvalidParameterException"),
    ({"maxResults": 101}, "InvalidParameterException"),
    ({"nextToken": "made-up"}, "InvalidParameterException"),
    ({"cluster": "none"}, "ClusterNotFoundException"),
    ({"cluster": "arn:aws:ecs:us-east-1:111122223333:cluster/default"}, "ClusterNotFoundException"),
    ({"serviceName": "none"}, "ServiceNotFoundException")])
def test_list_refusals(ecs, parameters, code):
    with pytest.raises(ClientError) as refused:
        ecs.list_tasks(**parameters)
    assert code_of(refused) == code


def test_describe_limits(aws, ecs):
    for call, name in ((ecs.describe_tasks, "tasks"),
                       (ecs.describe_container_instances, "containerInstances")):
        assert len(call(**{name: [f"{i:032x}" for i in range(100)]})["failures"]) == 100
        for ids in ([], [f"{i:032x}" for i in range(101)], ["short"]):
            with pytest.raises(ClientError) as refused:
                call(**{name: ids})
            assert code_of(refused) == "InvalidParameterException"
    aws.put_container_instance(container_instance("mi-0123456789abcdef0"))
    found = ecs.describe_container_instances(
        containerInstances=[container_instance_arn("default", "mi-0123456789abcdef0")])
    assert found["containerInstances"][0]["ec2InstanceId"] == "mi-0123456789abcdef0"


def test_list_paging(aws, ecs):
    tasks = aws.put_tasks([fargate_task("default", "web", 1, "c", f"127.0.{i // 250}.{i % 250 + 1}")
                           for i in range(250)])
    pages = list(ecs.get_paginator("list_tasks").paginate(family="web"))
    assert [len(page["taskArns"]) for page in pages] == [100, 100, 50]
    assert "nextToken" not in pages[-1]
    aws.set_paging(list_tasks_page=40, empty_first_page=True, empty_page_every=3)
    pages = list(ecs.get_paginator("list_tasks").paginate(family="web"))
    assert [len(page["taskArns"]) for page in pages][:4] == [0, 40, 0, 40]
    assert sorted(id_of(arn) for page in pages for arn in page["taskArns"]) == sorted(tasks)
    token = pages[1]["nextToken"]
    with pytest.raises(ClientError) as refused:
        ecs.list_tasks(family="other", nextToken=token)
    assert code_of(refused) == "InvalidParameterException"
    ecs.list_tasks(family="web", nextToken=token, maxResults=7)


def test_instance_refusals_and_paging(aws, ec2):
    made = [instance(f"127.0.0.{i}") for i in range(1, 13)]
    aws.put_instances(made)
    ids = sorted(one["instanceId"] for one in made)

    def refusal(**parameters):
        with pytest.raises(ClientError) as refused:
            ec2.describe_instances(**parameters)
        return code_of(refused), refused.value.response["Error"]["Message"]

    one, two = "i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb"
    assert refusal(InstanceIds=[ids[0], one]) == (
        "InvalidInstanceID.NotFound", f"The instance ID '{one}' does not exist")
    assert refusal(InstanceIds=[one, two]) == (
        "InvalidInstanceID.NotFound", f"The instance IDs '{one}, {two}' do not exist")
    assert refusal(InstanceIds=["mi-0123456789abcdef0"])[0] == "InvalidInstanceID.Malformed"
    assert refusal(InstanceIds=[ids[0]], MaxResults=5)[0] == "InvalidParameterCombination"
    assert refusal(MaxResults=4)[0] == "InvalidParameterValue"
    assert refusal(MaxResults=5, NextToken="x")[0] == "InvalidParameterValue"
    assert refusal(Filters=[{"Name": "colour", "Values": ["x"]}])[0] == "InvalidParameterValue"
    many = [{"Name": "instance-id", "Values": [f"i-{i:017x}" for i in range(201)]}]
    assert refusal(Filters=many)[0] == "FilterLimitExceeded"
    many[0]["Values"] = many[0]["Values"][:200]
    assert ec2.describe_instances(Filters=many)["Reservations"] == []

    def paged(**parameters):
        pages = ec2.get_paginator("describe_instances").paginate(**parameters)
        return [[i["InstanceId"] for r in page["Reservations"] for i in r["Instances"]]
                for page in pages]
    by_id = [{"Name": "instance-id", "Values": ids + [one, "mi-1"]}]
    pages = paged(Filters=by_id, MaxResults=5)
    assert [len(page) for page in pages] == [5, 5, 2] and sum(pages, []) == ids
    aws.set_paging(describe_instances_page=1)
    assert sum(paged(Filters=by_id, MaxResults=1000), []) == ids
    by_address = [{"Name": "private-ip-address", "Values": ["127.0.0.1?"]}]
    assert len(ec2.describe_instances(Filters=by_address)["Reservations"]) == 3  # 10, 11, 12
    aws.put_instance({**instance("127.0.0.99"), "_managed": True}, cluster=None)
    assert len(ec2.describe_instances()["Reservations"]) == 12


def test_tags_are_told_when_asked_for(aws, ecs):
    tags = [{"key": "tier", "value": "gold"}]
    task = aws.put_task(fargate_task("default", "web", 1, "c", "127.0.0.2", tags=tags))
    assert "tags" not in ecs.describe_tasks(tasks=[task])["tasks"][0]
    assert ecs.describe_tasks(tasks=[task], include=["TAGS"])["tasks"][0]["tags"] == tags


def test_a_service_is_described_by_its_tasks_unless_told_otherwise(aws, ecs):
    for revision in (9, 10):
        aws.put_task(fargate_task("default", "web", revision, "c", f"127.0.0.{revision}",
                                  service="api"))

    def deployments():
        service = ecs.describe_services(services=["api"])["services"][0]
        return {each["status"]: id_of(each["taskDefinition"]) for each in service["deployments"]}
    assert deployments() == {"PRIMARY": "web:10", "ACTIVE": "web:9"}
    aws.put_service_details("api", deployments=[
        {"status": "PRIMARY", "taskDefinition": task_definition_arn("web", 9)}])
    assert deployments() == {"PRIMARY": "web:9"}
    missing = ecs.describe_services(services=["none"])
    assert missing["services"] == [] and missing["failures"][0]["reason"] == "MISSING"
    with pytest.raises(ClientError):
        ecs.describe_services(services=[f"s{i}" for i in range(11)])


def test_retries_of_botocore_ride_over_throttling(aws):
    aws.set_faults({"match": {"operation": "ListTasks"}, "times": 1, "action": {"error": {
        "code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}}})
    assert client_for(aws, "ecs", attempts=2).list_tasks()["taskArns"] == []
    entry = aws.calls()["services"]["ecs"]["operations"]["ListTasks"]
    assert entry == {"total": 2, "ok": 1, "errors": {"ThrottlingException": 1}}


def test_counters_log_and_reset(aws, ecs):
    before = aws.connections("ecs")
    for _ in range(5):
        ecs.list_tasks()
    assert aws.connections("ecs") == before + 1  # keep-alive
    assert aws.count("ecs", "ListTasks", "ok") == aws.count("ecs") == 5
    last = aws.log(2)
    assert [entry["operation"] for entry in last] == ["ListTasks"] * 2
    assert last[-1]["parameters"] == {} and last[-1]["status"] == 200
    listener = aws.calls()["listeners"]["ecs"]
    assert listener["requests"] == 5 and listener["bytes_in"] > 1000 and listener["bytes_out"] > 500
    aws.reset_calls()
    assert aws.count("ecs") == 0 and aws.log() == []


def test_state_can_be_replaced_merged_and_read_back(aws, ecs):
    task = fargate_task("prod", "web", 1, "c", "127.0.0.2", service="api")
    aws.set_state({"tasks": {id_of(task): task}})
    assert aws.state()["clusters"] == ["default", "prod"]
    assert aws.state()["services"] == ["prod/api"]
    assert len(ecs.list_tasks(cluster="prod")["taskArns"]) == 1
    aws.patch_state(tasks={})
    assert ecs.list_tasks(cluster="prod", serviceName="api")["taskArns"] == []
    aws.delete_service("api", "prod")
    aws.delete_cluster("prod")
    with pytest.raises(ClientError):
        ecs.list_tasks(cluster="prod")
    for method, path, body in (("PUT", "/tasks/x", 7), ("PUT", "/state", {"wrong": 1}),
                               ("PUT", "/faults", [{"action": {"nonsense": 1}}]),
                               ("PUT", "/imds", {"wrong": 1}), ("PUT", "/clock", {}),
                               ("GET", "/nothing", None), ("DELETE", "/tasks/none", None)):
        with pytest.raises(ControlError):
            aws.control(method, path, body)


def test_aws_command_line(aws):
    host = aws.put_instance(instance("127.0.0.2"))
    task = aws.put_task(bridge_task("default", "web", 7, "nginx", [(80, 32771)], host))

    def run(service, *words):
        command = ["/usr/bin/aws", "--endpoint-url", aws.urls[service], "--output", "json", service]
        done = subprocess.run(command + list(words), env={**aws.env(), "PATH": "/usr/bin:/bin"},
                              capture_output=True, timeout=30, check=True)
        return json.loads(done.stdout)
    assert run("ecs", "list-tasks")["taskArns"] == [task_arn("default", task)]
    found = run("ecs", "describe-tasks", "--tasks", task)["tasks"][0]
    assert found["containers"][0]["name"] == "nginx"
    machine = run("ec2", "describe-instances", "--filters", f"Name=instance-id,Values={host}")
    assert machine["Reservations"][0]["Instances"][0]["InstanceId"] == host


def test_initial_state_and_life(tmp_path):
    task = fargate_task("prod", "web", 1, "c", "127.0.0.2")
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"tasks": {id_of(task): task}}))
    aws = FakeAws(region="eu-central-1", flags=["--state", str(state)])
    assert list(aws.state()["tasks"]) == [id_of(task)]
    pid = aws.pid
    aws.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen([PYTHON, PROGRAM], stdout=subprocess.PIPE)
        assert set(json.loads(process.stdout.readline())) == {
            "ecs", "ec2", "sts", "servicediscovery", "metadata", "imds", "control"}
        process.send_signal(number)
        assert process.wait(10) == 0
        process.stdout.close()


def test_tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", key, "-out", cert, "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with FakeAws(tls_cert=cert, tls_key=key) as aws:
        assert aws.ecs_url.startswith("https://") and aws.imds_url.startswith("http://")
        assert client_for(aws, "ecs", verify=str(cert)).list_tasks()["taskArns"] == []
        assert client_for(aws, "ec2", verify=str(cert)).describe_instances()["Reservations"] == []


def test_it_needs_nothing_but_the_standard_library():
    names = set()
    for path in pathlib.Path(PROGRAM).glob("*.py"):
        if not path.name.startswith(("test_", "conftest", "raw_client")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names.add(node.module.partition(".")[0])
    assert "asyncio" in names
    assert names - set(sys.stdlib_module_names) == {"fake_aws"}
