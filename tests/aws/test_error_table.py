"""Every row of the table of errors, answered by the local AWS to real signed calls."""

import os

import pytest
from fake_aws.client import FakeAws, fault

from aws_tool import TOOL, AwsTool

pytestmark = pytest.mark.skipif(not os.path.exists(TOOL), reason=f"{TOOL} is not built")

LIST, INSTANCES = "ecs:ListTasks", "ec2:DescribeInstances"
THROTTLES = ["Throttling", "ThrottledException", "RequestThrottled", "RequestThrottledException",
             "TooManyRequestsException", "EC2ThrottledException", "SlowDown",
             "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
             "ProvisionedThroughputExceededException", "TransactionInProgressException",
             "ThrottlingException", "RequestLimitExceeded"]
TRANSIENT = ["RequestTimeout", "RequestTimeoutException", "ServerException", "InternalFailure",
             "InternalError", "ServiceUnavailable", "Unavailable"]


@pytest.fixture(scope="module")
def shared_aws():
    with FakeAws() as made:
        yield made


@pytest.fixture
def aws(shared_aws):
    shared_aws.reset()
    return shared_aws


@pytest.fixture
def tool(aws):
    """With the container's credentials, which can be refreshed."""
    with AwsTool(aws.env("container")) as made:
        assert made.ask(LIST)["result"] == "ok"
        yield made


def refuse(aws, operation, code, status=400, times=None, message="as asked"):
    aws.set_faults(fault(operation.split(":")[1], times=times, error={
        "code": code, "status": status, "message": message}))


def fetches(aws):
    return aws.count("metadata", "GetContainerCredentials")


@pytest.mark.parametrize("operation", [LIST, INSTANCES])
def test_throttles_and_passing_troubles_are_tried_three_times(aws, tool, operation):
    rows = [(code, "throttled", status) for code in THROTTLES for status in (400, 503)]
    rows += [(code, "transient", status) for code in TRANSIENT for status in (400, 500)]
    for code, result, status in rows:
        refuse(aws, operation, code, status, times=1)
        answer = tool.ask(operation)
        assert (answer["result"], answer["attempts"]) == ("ok", 2), code
        assert answer["throttled"] == (1 if result == "throttled" else 0), code
    for code, result in (("ThrottlingException", "throttled"), ("InternalError", "transient")):
        refuse(aws, operation, code)
        answer = tool.ask(operation)
        assert (answer["result"], answer["attempts"]) == (result, 3)
        assert answer["code"] == code


def test_without_a_code_the_status_decides(aws, tool):
    for status, result in ((500, "transient"), (502, "transient"), (503, "transient"),
                           (504, "transient"), (429, "throttled")):
        aws.set_faults(fault("ListTasks", status=status, html=True))
        answer = tool.ask(LIST)
        assert (answer["result"], answer["attempts"]) == (result, 3), status
    for status in (400, 404):
        aws.set_faults(fault("ListTasks", status=status, html=True))
        answer = tool.ask(LIST)
        assert (answer["result"], answer["attempts"]) == ("malformed_answer", 1), status


def test_a_broken_exchange_is_tried_again(aws, tool):
    for action in ({"reset": True}, {"truncate": 5}, {"reset_after_bytes": 20}):
        aws.set_faults(fault("ListTasks", times=2, **action))
        answer = tool.ask(LIST)
        assert (answer["result"], answer["attempts"]) == ("ok", 3), action
    aws.set_faults(fault("ListTasks", times=1, stuck=True))
    answer = tool.ask(LIST)
    assert (answer["result"], answer["attempts"]) == ("ok", 2)


@pytest.mark.parametrize("operation, code, status", [
    (LIST, "ExpiredTokenException", 400), (LIST, "ExpiredTokenException", 403),
    (INSTANCES, "ExpiredToken", 400), (INSTANCES, "RequestExpired", 400),
    (LIST, "UnrecognizedClientException", 400), (LIST, "InvalidClientTokenId", 403),
    (INSTANCES, "AuthFailure", 401)])
def test_expired_and_unknown_keys_are_refreshed_once(aws, operation, code, status):
    with AwsTool(aws.env("container")) as tool:
        assert tool.ask(operation)["result"] == "ok"
        tool.ask(6)  # the source is not asked again in the same second
        aws.renew_credentials()
        refuse(aws, operation, code, status, times=1)
        answer = tool.ask(operation)
        assert (answer["result"], answer["attempts"]) == ("ok", 2), answer
        assert answer["refreshes"] == 1
        assert fetches(aws) == 2
        tool.ask(6)
        aws.renew_credentials()
        refuse(aws, operation, code, status, times=2)
        answer = tool.ask(operation)
        assert answer["attempts"] == 2, "new keys that are refused as well are not replaced again"
        assert answer["code"] == code


@pytest.mark.parametrize("operation", [LIST, INSTANCES])
def test_keys_that_are_revoked_are_replaced_within_the_call(aws, tool, operation):
    tool.ask(6)
    aws.rotate_credentials()
    answer = tool.ask(operation)
    assert (answer["result"], answer["attempts"], answer["refreshes"]) == ("ok", 2, 1)


def test_a_refresh_that_brings_the_same_keys_ends_the_call(aws, tool):
    for operation, code, status, result in (
            (LIST, "UnrecognizedClientException", 400, "bad_credentials"),
            (INSTANCES, "AuthFailure", 401, "bad_credentials")):
        before = fetches(aws)
        refuse(aws, operation, code, status)
        answer = tool.ask(operation)
        assert (answer["result"], answer["attempts"]) == (result, 1), answer
        assert fetches(aws) <= before + 1
        aws.set_faults()
        assert tool.ask(operation)["result"] == "ok"


@pytest.mark.parametrize("operation, code, status, result", [
    (LIST, "InvalidSignatureException", 400, "bad_credentials"),
    (LIST, "SignatureDoesNotMatch", 400, "bad_credentials"),
    (LIST, "AccessDeniedException", 400, "denied"),
    (INSTANCES, "UnauthorizedOperation", 403, "denied"),
    (LIST, "MissingAuthenticationTokenException", 400, "invalid_request"),
    (LIST, "IncompleteSignatureException", 400, "invalid_request"),
    (LIST, "ClusterNotFoundException", 400, "not_found"),
    (LIST, "ServiceNotFoundException", 400, "not_found"),
    (LIST, "InvalidParameterException", 400, "invalid_request"),
    (LIST, "ClientException", 400, "invalid_request"),
    (INSTANCES, "InvalidInstanceID.NotFound", 400, "not_found"),
    (INSTANCES, "InvalidInstanceID.Malformed", 400, "invalid_request"),
    (INSTANCES, "InvalidParameterCombination", 400, "invalid_request"),
    (INSTANCES, "FilterLimitExceeded", 400, "invalid_request")])
def test_permanent_errors_are_not_repeated(aws, tool, operation, code, status, result):
    before = fetches(aws)
    refuse(aws, operation, code, status)
    answer = tool.ask(operation)
    assert (answer["result"], answer["attempts"]) == (result, 1)
    assert code in answer["message"] and operation in answer["message"]
    assert fetches(aws) == before
    if result == "denied":
        assert f"add {operation} to the policy" in answer["message"]
    if result == "bad_credentials":
        assert "as asked" not in answer["message"], "a refused signature's story is not quoted"


@pytest.mark.parametrize("operation", [LIST, INSTANCES])
def test_a_clock_that_moves_either_way_costs_one_attempt(aws, tool, operation):
    assert tool.ask(operation)["attempts"] == 1
    for offset, corrections in ((600, 1), (600, 0), (-600, 1), (-600, 0), (0, 1), (0, 0)):
        aws.set_clock(offset)
        answer = tool.ask(operation)
        assert answer["result"] == "ok", (offset, answer)
        assert (answer["attempts"], answer["skew_corrections"]) == (1 + corrections, corrections)
