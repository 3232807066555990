"""Credentials and region from each place that ECS and EC2 offer, used on real calls."""

from clients import ask_name
from fake_aws.client import REGION, STATIC_ACCESS_KEY, STATIC_SECRET, fault, task_arn
from waiting import eventually, holds


def without_region(env):
    return {name: value for name, value in env.items()
            if name not in ("AWS_REGION", "AWS_DEFAULT_REGION")}


def good_calls(aws):
    return (aws.count("ecs", "ListTasks", "ok") > 0 and
            aws.count("ec2", "DescribeInstances", "ok") > 0)


def list_errors(aws):
    return aws.calls()["services"]["ecs"]["operations"]["ListTasks"]["errors"]


def test_credentials_from_the_container_endpoint(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_container_credentials(authorization="open sesame")
    _, backend = scenario.bridge(port)
    start_kite(env=aws.env("container", authorization="open sesame")).wait_listening(port)
    assert ask_name(port) == backend.name
    assert good_calls(aws)
    scenario.settle(2)
    assert aws.count("metadata", "GetContainerCredentials") == 1, "kept until they expire"


def test_a_container_endpoint_that_fails_first_is_asked_again(scenario, start_kite, port):
    scenario.aws.set_container_credentials(fail_first=[503, 500])
    scenario.bridge(port)
    start_kite(env=scenario.aws.env("container")).wait_listening(port, timeout=20)
    assert good_calls(scenario.aws)


def test_the_authorization_token_may_be_in_a_file(scenario, start_kite, port, tmp_path):
    scenario.aws.set_container_credentials(authorization="from a file")
    scenario.bridge(port)
    (tmp_path / "token").write_text("from a file")
    env = {**scenario.aws.env("container"),
           "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")}
    start_kite(env=env).wait_listening(port)


def test_rotated_container_credentials_are_fetched_again(scenario, start_kite, port):
    aws = scenario.aws
    scenario.bridge(port)
    kite = start_kite(env=aws.env("container")).wait_listening(port)
    aws.rotate_credentials()
    before = aws.count("ecs", "ListTasks", "ok")
    eventually(lambda: aws.count("ecs", "ListTasks", "ok") > before + 1, 20, "calls succeed again")
    assert aws.count("metadata", "GetContainerCredentials") == 2
    assert port in kite.listening_ports()


def test_credentials_from_imds_with_a_session_token(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    start_kite(env=scenario.aws.env("imds")).wait_listening(port)
    assert ask_name(port) == backend.name
    assert good_calls(scenario.aws)
    assert scenario.aws.count("imds", "PutToken", "ok") >= 1


def test_imds_without_tokens_still_works(scenario, start_kite, port):
    scenario.aws.set_imds(require_token=False, put_status=404)
    scenario.bridge(port)
    start_kite(env=scenario.aws.env("imds")).wait_listening(port, timeout=20)
    assert good_calls(scenario.aws)


def test_region_from_imds(scenario, start_kite, port):
    scenario.bridge(port)
    env = without_region(scenario.aws.env("imds"))
    start_kite(env=env).wait_listening(port, timeout=20)
    assert scenario.aws.count("imds", "GetRegion") + scenario.aws.count(
        "imds", "GetInstanceIdentity") >= 1


def test_region_from_the_task_metadata(scenario, start_kite, port):
    scenario.bridge(port)
    scenario.aws.set_task_metadata({
        "Cluster": "default", "TaskARN": task_arn("default", "0" * 32), "Family": "client",
        "Revision": "1", "AvailabilityZone": REGION + "a", "Containers": []})
    env = without_region(scenario.aws.env("container", task_metadata=True))
    start_kite(env=env).wait_listening(port, timeout=20)
    assert scenario.aws.count("metadata", "GetTaskMetadata", "ok") >= 1


def test_a_region_flag_wins(scenario, start_kite, port):
    scenario.bridge(port)
    env = {**scenario.aws.env(), "AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "us-east-2"}
    start_kite(f"-region={REGION}", env=env).wait_listening(port)


def test_endpoint_flags_win(scenario, start_kite, port):
    aws = scenario.aws
    scenario.bridge(port)
    env = {**aws.env(), "AWS_ENDPOINT_URL_ECS": "http://127.0.0.1:9",
           "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:9"}
    start_kite(f"-endpoint-ecs={aws.ecs_url}", f"-endpoint-ec2={aws.ec2_url}",
               env=env).wait_listening(port)


def test_a_wrong_secret_is_said_and_never_shown(scenario, start_kite, port):
    scenario.bridge(port)
    env = {**scenario.aws.env(), "AWS_SECRET_ACCESS_KEY": "not+the+secret/value"}
    kite = start_kite(env=env)
    kite.expected_levels = {"error"}
    eventually(lambda: kite.lines(level="error") + kite.lines(level="warn"), 15, "it complains")
    holds(lambda: not kite.listening_ports(), 0.3)
    assert "not+the+secret" not in kite.log_text()


def test_a_wrong_clock_is_corrected(scenario, start_kite, port):
    scenario.aws.set_clock(3600)
    _, backend = scenario.bridge(port)
    kite = start_kite()
    kite.expected_levels = {"error"}
    kite.wait_listening(port, timeout=20)
    assert ask_name(port) == backend.name


def test_a_denied_action_is_named_in_the_log(scenario, start_kite, port):
    scenario.bridge(port)
    scenario.aws.deny("ec2:DescribeInstances")
    kite = start_kite()
    kite.expected_levels = {"error"}
    eventually(lambda: "ec2:DescribeInstances" in kite.log_text(), 15, "the action in the log")
    scenario.aws.deny()
    kite.wait_listening(port, timeout=70)


def test_secrets_never_reach_the_log(scenario, start_kite, port):
    scenario.aws.set_faults(fault("ListTasks", times=2, garbage=True))
    scenario.aws.set_container_credentials(authorization="open-sesame-token")
    scenario.bridge(port)
    env = scenario.aws.env("container", authorization="open-sesame-token")
    kite = start_kite("-loglevel=debug", env=env)
    kite.expected_levels = {"error"}
    kite.wait_listening(port, timeout=30)
    text = kite.log_text()
    assert "open-sesame-token" not in text
    for word in ("SecretAccessKey", "Signature=", "X-Amz-Security-Token: "):
        assert word not in text


def test_container_credentials_are_renewed_before_they_end(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_container_credentials(lifetime_seconds=8)
    scenario.bridge(port)
    start_kite(env=aws.env("container")).wait_listening(port)
    eventually(lambda: len({entry["access_key"] for entry in aws.log()
                            if entry["operation"] == "ListTasks"}) >= 2, 20, "a second key")
    assert not list_errors(aws), "none was expired"


def test_expired_keys_of_an_instance_are_used_until_there_are_newer(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_imds(expired=True)
    _, backend = scenario.bridge(port)
    kite = start_kite(env=aws.env("imds")).wait_listening(port)
    assert ask_name(port) == backend.name
    assert kite.lines(event="credentials_arrived_expired")
    aws.set_faults(fault("*", "imds", status=500, body=""))
    scenario.settle(2)
    assert not list_errors(aws)
    assert aws.count("imds", "GetRoleCredentials") == 1, "nobody is hammered"


def test_an_imds_whose_put_hangs_is_asked_without_a_token(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_imds(put_hangs=True, require_token=False)
    scenario.bridge(port)
    kite = start_kite(env=aws.env("imds")).wait_listening(port)
    assert good_calls(aws)
    assert "HttpPutResponseHopLimit must be 2" in kite.log_text()


def test_an_imds_whose_put_hangs_and_that_wants_tokens_is_explained(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_imds(put_hangs=True)
    scenario.bridge(port)
    kite = start_kite(env=aws.env("imds"))
    kite.expected_levels = {"error"}
    eventually(lambda: "wants a session token" in kite.log_text(), 20, "the reason")
    assert "HttpPutResponseHopLimit must be 2" in kite.log_text()
    aws.set_imds()
    kite.wait_listening(port, timeout=90)


def test_keys_revoked_in_mid_flight_cost_no_backend(scenario, start_kite, port):
    aws = scenario.aws
    _, backend = scenario.bridge(port)
    kite = start_kite()
    kite.expected_levels = {"error"}
    kite.wait_listening(port)
    aws.set_credentials()
    aws.wait_for_calls("ecs", "ListTasks", 2, error="UnrecognizedClientException")
    assert ask_name(port) == backend.name
    aws.set_credentials({"access_key": STATIC_ACCESS_KEY, "secret": STATIC_SECRET})
    aws.wait_for_calls("ecs", "ListTasks", 1, error="ok", timeout=40)
    assert port in kite.listening_ports()


def test_a_clock_that_moves_ten_minutes_either_way_in_mid_flight(scenario, start_kite, port):
    aws = scenario.aws
    _, backend = scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    for offset in (600, -600, 0):
        aws.set_clock(offset)
        before = aws.count("ecs", "ListTasks", "InvalidSignatureException")
        aws.wait_for_calls("ecs", "ListTasks", 2, error="ok")
        assert aws.count("ecs", "ListTasks", "InvalidSignatureException") == before + 1
        assert ask_name(port) == backend.name
    assert not kite.lines(event="discovery_failed")
