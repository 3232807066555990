"""Which tasks serve: tags, deployments, agents that ECS has lost."""

import signal

from clients import ask_name, wait_for_names
from fake_aws.client import task_definition_arn
from waiting import eventually

TAGS = [{"key": "tier", "value": "gold"}, {"key": "slice", "value": "blue"}]


def test_only_tasks_with_every_tag(scenario, start_kite, port):
    scenario.bridge(port)
    scenario.bridge(port, tags=TAGS[:1])
    task, wanted = scenario.bridge(port, host="127.0.0.3", tags=TAGS)
    kite = start_kite("-tag=tier=gold", "-tag=slice=blue").wait_listening(port)
    wait_for_names(port, wanted.name)
    assert len(kite.lines(event="task_left_out", reason="other_tags")) == 2
    # An answer that does not tell them proves nothing.
    scenario.aws.set_faults({"match": {"operation": "DescribeTasks"},
                             "action": {"drop_members": ["tags"]}})
    kite.send_signal(signal.SIGHUP)  # describes at once
    eventually(lambda: kite.lines(event="discovery_failed", code="incomplete_answer"), 15, "a line")
    assert ask_name(port) == wanted.name
    scenario.aws.clear_faults()
    scenario.aws.change_task(task, tags=TAGS[1:])
    kite.send_signal(signal.SIGHUP)
    kite.wait_not_listening(port, timeout=15)


def test_the_primary_deployment_takes_over_and_gives_back(scenario, start_kite, port):
    _, old = scenario.bridge(port, revision=6, service="api")
    start_kite("-service=api", "-deployment=primary", f"-port={port}").wait_listening(port)
    wait_for_names(port, old.name)
    assert scenario.aws.count("ecs", "DescribeServices") == 0
    _, new = scenario.bridge(port, revision=7, service="api", host="127.0.0.3")
    wait_for_names(port, new.name)
    assert scenario.aws.count("ecs", "DescribeServices") > 0
    scenario.aws.put_service_details("api", deployments=[
        {"id": "ecs-svc/3", "status": "PRIMARY", "taskDefinition": task_definition_arn("web", 6)}])
    wait_for_names(port, old.name)


def test_without_leave_to_ask_for_deployments_all_serve(scenario, start_kite, port):
    _, old = scenario.bridge(port, revision=6, service="api")
    _, new = scenario.bridge(port, revision=7, service="api", host="127.0.0.3")
    scenario.aws.deny("ecs:DescribeServices")
    kite = start_kite("-service=api", "-deployment=primary").wait_listening(port)
    wait_for_names(port, old.name, new.name)
    assert kite.lines(event="discovery_failed", operation="ecs:DescribeServices")


def test_a_task_whose_agent_is_lost_serves_on(scenario, start_kite, port):
    _, backend = scenario.bridge(port, connectivity="DISCONNECTED")
    kite = start_kite().wait_listening(port)
    assert ask_name(port) == backend.name
    assert kite.lines(event="agents_disconnected", tasks="1")
