"""What a cluster in which nothing happens costs: calls are the account's, not the kite's."""

from clients import ask_name, names
from waiting import eventually


def test_polls_of_a_calm_cluster_are_one_call_and_a_round_of_descriptions(
        scenario, start_kite, port):
    for _ in range(3):
        scenario.bridge(port)
    start_kite().wait_listening(port)
    scenario.settle()
    scenario.aws.reset_calls()
    # At a poll a second the round of the descriptions is 6 s, as it is 30 s at the usual 5 s.
    eventually(lambda: scenario.aws.count("ecs", "DescribeTasks") == 3, 30, "three rounds")
    polls = scenario.aws.count("ecs", "ListTasks")
    assert 11 <= polls <= 18
    assert scenario.aws.count("ecs") == polls + 3
    assert scenario.aws.count("ec2") == 0


def test_a_new_task_is_described_alone_and_serves_with_the_next_poll(scenario, start_kite, port):
    scenario.bridge(port)
    start_kite("-poll=2s-2s").wait_listening(port)
    scenario.settle()
    scenario.aws.reset_calls()
    _, new = scenario.bridge(port)
    scenario.settle()
    assert new.name in names(port, 40)
    # A round of descriptions may have fallen due meanwhile.
    assert 1 <= scenario.aws.count("ecs", "DescribeTasks") <= 2
    assert scenario.aws.count("ec2") == 0


def test_health_is_heard_of_with_the_next_round(scenario, start_kite, port):
    sick, _ = scenario.bridge(port)
    _, well = scenario.bridge(port)
    start_kite().wait_listening(port)
    scenario.settle()
    known = scenario.aws.control("GET", f"/tasks/{sick}")["containers"]
    scenario.aws.change_task(sick, containers=[{**known[0], "healthStatus": "UNHEALTHY"}])
    eventually(lambda: set(names(port, 30)) == {well.name}, 9, "only the healthy one serves")
    assert ask_name(port) == well.name
