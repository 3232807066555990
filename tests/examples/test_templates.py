"""The CloudFormation template and the compose file, held against models that are not ours."""

import json
import pathlib
import re
import shutil
import subprocess

import botocore.session
import botocore.validate
import pytest
import yaml

from fake_aws.client import FakeAws
from test_examples import EXAMPLES, KITE, known_flags, load

TEMPLATE = EXAMPLES / "cloudformation/kite.yaml"
COMPOSE = EXAMPLES / "compose/compose.yaml"
PARAMETERS = {"Subnets": ["subnet-0123456789abcdef0"], "TargetPort": 80, "Cluster": "default",
              "Target": "greeter", "TargetContainer": "web", "AWS::Region": "eu-west-1",
              "AWS::AccountId": "111122223333", "AWS::Partition": "aws", "AWS::StackName": "demo"}
SESSION = botocore.session.Session()


class Template(yaml.SafeLoader):
    """CloudFormation's short functions, with every reference resolved to something like it."""


def resolve(name):
    return PARAMETERS.get(name, f"the-{name.replace('.', '-').replace(':', '')}")


Template.add_constructor("!Ref", lambda loader, node: resolve(node.value))
Template.add_constructor("!GetAtt", lambda loader, node: resolve(node.value))
Template.add_constructor("!Sub", lambda loader, node: re.sub(
    r"\$\{([^}]+)\}", lambda match: str(resolve(match[1])), node.value))


def resources(kind):
    template = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Template)
    return {name: each["Properties"] for name, each in template["Resources"].items()
            if each["Type"] == kind}


def for_the_api(value):
    """ECS's own API has the same members, with a small letter first."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: for_the_api(item) for key, item in value.items()}
    return [for_the_api(item) for item in value] if isinstance(value, list) else value


def complaints(service, operation, parameters):
    shape = SESSION.get_service_model(service).operation_model(operation).input_shape
    return botocore.validate.ParamValidator().validate(parameters, shape).generate_report()


def test_the_definition_and_the_service_pass_the_models():
    definition, = resources("AWS::ECS::TaskDefinition").values()
    assert complaints("ecs", "RegisterTaskDefinition", for_the_api(definition)) == ""
    for container in definition["ContainerDefinitions"]:
        for mistake in ("Imagee", "image "):
            wrong = {**definition, "ContainerDefinitions": [{**container, mistake: "x"}]}
            assert complaints("ecs", "RegisterTaskDefinition", for_the_api(wrong))
    service, = resources("AWS::ECS::Service").values()
    assert complaints("ecs", "CreateService", {"serviceName": "x", **for_the_api(service)}) == ""


def test_the_roles_and_groups_pass_the_models():
    roles = resources("AWS::IAM::Role")
    assert len(roles) == 2
    for name, role in roles.items():
        asked = {"RoleName": name,
                 "AssumeRolePolicyDocument": json.dumps(role["AssumeRolePolicyDocument"])}
        assert complaints("iam", "CreateRole", asked) == ""
    policy, = roles["TaskRole"]["Policies"]
    document = policy["PolicyDocument"]
    assert complaints("iam", "PutRolePolicy", {"RoleName": "x", "PolicyName": policy["PolicyName"],
                                               "PolicyDocument": json.dumps(document)}) == ""
    statement, = document["Statement"]
    example = load(EXAMPLES / "iam-policy.json")["Statement"][0]
    assert set(statement["Action"]) < set(example["Action"])
    assert statement["Condition"] == example["Condition"]
    rule, = resources("AWS::EC2::SecurityGroupIngress").values()
    asked = {"GroupId": rule["GroupId"], "IpPermissions": [{
        "IpProtocol": rule["IpProtocol"], "FromPort": rule["FromPort"], "ToPort": rule["ToPort"],
        "UserIdGroupPairs": [{"GroupId": rule["SourceSecurityGroupId"]}]}]}
    assert complaints("ec2", "AuthorizeSecurityGroupIngress", asked) == ""


def test_the_template_is_whole():
    text = TEMPLATE.read_text(encoding="utf-8")
    template = yaml.load(text, Template)
    named = {*template["Parameters"], *template["Resources"]}
    referred = set(re.findall(r"!(?:Ref|GetAtt) ([A-Za-z]+)(?:\.| |\]|$)", text, re.MULTILINE))
    referred |= set(re.findall(r"\$\{([A-Za-z]+)\}", text))
    assert referred <= named
    assert set(template["Parameters"]) <= referred
    assert not re.search(r": [&*]\w", text), "CloudFormation takes no aliases"
    page = (EXAMPLES / "cloudformation/README.md").read_text(encoding="utf-8")
    assert set(template["Parameters"]) == set(re.findall(r"\b([A-Z]\w+)=", page))


def test_cfn_lint_finds_no_fault(tmp_path):
    if not shutil.which("cfn-lint"):
        pytest.skip("cfn-lint is not installed: pip install cfn-lint")

    def lint(path):
        return subprocess.run(["cfn-lint", str(path)], capture_output=True, text=True, check=False)
    done = lint(TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    text = TEMPLATE.read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("TaskRoleArn:", "TaskRole:"))
    assert "TaskRole" in lint(wrong).stdout, "or it would see nothing"


def test_the_kite_ends_before_it_is_killed():
    definition, = resources("AWS::ECS::TaskDefinition").values()
    kite = next(each for each in definition["ContainerDefinitions"] if each["Name"] == "kite")
    drain, = [word for word in kite["Command"] if word.startswith("-drain-timeout=")]
    assert int(re.search(r"=(\d+)s$", drain)[1]) < kite["StopTimeout"]


def test_flags_of_templates_exist():
    for path in (TEMPLATE, COMPOSE):
        flags = set(re.findall(r"^ +- (?:!Sub )?-([a-z][a-z-]*)=", path.read_text(encoding="utf-8"),
                               re.MULTILINE))
        assert len(flags) > 4
        assert flags <= known_flags()


# -- compose ---------------------------------------------------------------------------------


def compose():
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def compose_commands():
    """Whatever there is of the two programs, as a command."""
    if shutil.which("docker-compose"):
        yield ["docker-compose"]
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            yield ["docker", "compose"]


def test_compose_takes_the_file():
    commands = list(compose_commands())
    if not commands:
        pytest.skip("neither docker-compose nor docker's compose plugin is installed")
    for command in commands:
        done = subprocess.run([*command, "-f", str(COMPOSE), "config", "-q"], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_compose_and_the_listed_tasks_agree():
    services, tasks = compose()["services"], load(COMPOSE.parent / "state.json")["tasks"]
    addresses = {service["networks"]["vpc"]["ipv4_address"] for name, service in services.items()
                 if name.startswith("app-")}
    told = {task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
            for task in tasks.values()}
    assert addresses == told and len(told) == 3
    aws, kite = services["aws"], services["kite"]
    ports = dict(re.fullmatch(r"--(\w+)-port=(\d+)", word).groups()
                 for word in aws["command"] if "-port=" in word)
    urls = kite["environment"]
    for name, variable in (("ecs", "AWS_ENDPOINT_URL_ECS"), ("ec2", "AWS_ENDPOINT_URL_EC2"),
                           ("metadata", "AWS_CONTAINER_CREDENTIALS_FULL_URI")):
        assert urls[variable].startswith(f"http://127.0.0.1:{ports[name]}")
    assert aws["network_mode"] == kite["network_mode"] == "service:client"
    for volume in aws["volumes"]:
        assert (COMPOSE.parent / pathlib.Path(volume.split(":")[0])).exists()


def test_a_kite_finds_what_compose_runs():
    if not KITE.exists():
        pytest.skip(f"no kite at {KITE}")
    words = [word for word in compose()["services"]["kite"]["command"]
             if not word.startswith("-admin")]
    with FakeAws() as aws:
        aws.set_state(load(COMPOSE.parent / "state.json"))
        env = {"PATH": "/usr/bin:/bin", **aws.env(credentials="container")}
        done = subprocess.run([KITE, "list", "-json", *words], env=env, capture_output=True,
                              text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    target, = json.loads(done.stdout)["targets"]
    assert sorted((each["address"], each["port"]) for each in target["backends"]) == [
        ("172.28.9.11", 8080), ("172.28.9.12", 8080), ("172.28.9.13", 8080)]
