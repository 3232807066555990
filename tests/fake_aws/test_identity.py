"""botocore's own providers get credentials from the fake, and the fake then knows the caller."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest

from .client import PYTHON

# Runs in a process of its own: botocore reads these variables at many moments.
SCRIPT = """
import boto3, json, sys
url = sys.argv[1]
session = boto3.Session(region_name="eu-west-1")
found = session.get_credentials()
if found is None:
    sys.exit("no credentials")
arns = session.client("ecs", endpoint_url=url).list_tasks()["taskArns"]
print(json.dumps({"method": found.method, "key": found.access_key, "arns": arns}))
"""


def ask_botocore(aws, **options):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **aws.env(**options)}
    done = subprocess.run([PYTHON, "-c", SCRIPT, aws.ecs_url], env=env, capture_output=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        return done.stderr.decode().strip().splitlines()[-1]
    return json.loads(done.stdout)


def get(url, path, method="GET", **headers):
    """(status, body) of a plain request; header names with _ for -."""
    request = urllib.request.Request(url + path, method=method, headers={
        name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request,
                                                                               timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


TOKEN_PATH = "/latest/api/token"
ROLES = "/latest/meta-data/iam/security-credentials/"


def imds_token(aws, ttl="60"):
    return get(aws.imds_url, TOKEN_PATH, "PUT", X_aws_ec2_metadata_token_ttl_seconds=ttl)


def test_botocore_uses_container_credentials(aws):
    said = ask_botocore(aws, credentials="container")
    assert said["method"] == "container-role" and said["key"].startswith("ASIA")
    assert aws.log(1)[0]["access_key"] == said["key"]
    aws.set_container_credentials(authorization="secret-token", fail_first=[503])
    assert "401" in str(ask_botocore(aws, credentials="container"))
    said = ask_botocore(aws, credentials="container", authorization="secret-token")
    assert said["method"] == "container-role"
    assert aws.count("metadata", "GetContainerCredentials", "503") == 1


def test_botocore_uses_instance_credentials(aws):
    said = ask_botocore(aws, credentials="imds")
    assert said["method"] == "iam-role" and said["arns"] == []
    assert [entry["operation"] for entry in aws.log(4)] == [
        "PutToken", "GetRoleList", "GetRoleCredentials", "ListTasks"]
    aws.set_imds(put_status=403, require_token=False)
    assert ask_botocore(aws, credentials="imds")["method"] == "iam-role"
    aws.set_imds(role=None)
    assert ask_botocore(aws, credentials="imds") == "no credentials"


def test_container_endpoint(aws):
    url = aws.metadata_url
    status, text = get(url, "/v2/credentials/any")
    body = json.loads(text)
    assert status == 200 and set(body) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token",
                                           "Expiration"}
    assert body["Expiration"].endswith("Z")
    assert json.loads(get(url, "/v1/credentials")[1]) == body  # the same until they near their end
    assert get(url, "/v2/credentials/")[0] == 400
    assert get(url, "/v3/x")[0] == 404
    assert get(url, "/v2/credentials/any", "POST")[0] == 405
    aws.rotate_credentials()
    assert json.loads(get(url, "/v1/credentials")[1])["AccessKeyId"] != body["AccessKeyId"]
    aws.set_container_credentials(omit=["Token", "Expiration"], fail_first=[503, 429])
    assert [get(url, "/v1/credentials")[0] for _ in range(3)] == [503, 429, 200]
    assert "Token" not in json.loads(get(url, "/v1/credentials")[1])
    aws.set_container_credentials(expiration="not a date")
    assert json.loads(get(url, "/v1/credentials")[1])["Expiration"] == "not a date"


def test_credentials_are_renewed_before_their_end(aws):
    aws.set_container_credentials(lifetime_seconds=1000)

    def key():
        return json.loads(get(aws.metadata_url, "/v1/credentials")[1])["AccessKeyId"]
    aws.rotate_credentials()
    first = key()
    aws.set_clock(690)
    assert key() == first
    aws.set_clock(710)  # less than five minutes are left
    second = key()
    assert second != first == [c for c in aws.control("GET", "/credentials")
                               if c["access_key"] == first][0]["access_key"]


def test_task_metadata(aws):
    status, text = get(aws.metadata_url, "/v4/some-id/task")
    assert status == 200 and json.loads(text)["TaskARN"].split(":")[3] == "eu-west-1"
    assert "DockerId" in json.loads(get(aws.metadata_url, "/v4/some-id")[1])
    aws.set_task_metadata({"Cluster": "arn:aws:ecs:eu-west-1:1:cluster/prod"})
    assert json.loads(get(aws.metadata_url, "/v4/x/task")[1])["Cluster"].endswith("/prod")
    aws.set_task_metadata(None)
    assert get(aws.metadata_url, "/v4/x/task")[0] == 404
    assert aws.env(task_metadata=True)["ECS_CONTAINER_METADATA_URI_V4"].startswith(aws.metadata_url)


def test_imds_tokens(aws):
    url = aws.imds_url
    assert get(url, ROLES)[0] == 401
    assert get(url, ROLES, X_aws_ec2_metadata_token="made-up")[0] == 401
    status, token = imds_token(aws)
    assert status == 200 and token
    status, role = get(url, ROLES, X_aws_ec2_metadata_token=token)
    assert (status, role) == (200, "kite-instance-role")
    body = json.loads(get(url, ROLES + role, X_aws_ec2_metadata_token=token)[1])
    assert body["Code"] == "Success" and body["Type"] == "AWS-HMAC"
    assert get(url, ROLES + "other", X_aws_ec2_metadata_token=token)[0] == 404
    assert get(url, "/latest/meta-data/placement/region",
               X_aws_ec2_metadata_token=token) == (200, "eu-west-1")
    document = get(url, "/latest/dynamic/instance-identity/document",
                   X_aws_ec2_metadata_token=token)[1]
    assert json.loads(document)["region"] == "eu-west-1"
    aws.set_clock(61)
    assert get(url, ROLES, X_aws_ec2_metadata_token=token)[0] == 401  # its time is over
    token = imds_token(aws)[1]
    aws.forget_imds_tokens()
    assert get(url, ROLES, X_aws_ec2_metadata_token=token)[0] == 401


def test_imds_refusals(aws):
    for ttl in ("0", "21601", "x", ""):
        assert imds_token(aws, ttl)[0] == 400
    assert get(aws.imds_url, TOKEN_PATH, "PUT")[0] == 400
    assert get(aws.imds_url, TOKEN_PATH, "PUT", X_Forwarded_For="10.0.0.1",
               X_aws_ec2_metadata_token_ttl_seconds="60")[0] == 403
    assert get(aws.imds_url, "/latest/nothing")[0] == 404
    for status in (403, 404, 405, 400):
        aws.set_imds(put_status=status)
        assert imds_token(aws)[0] == status
    aws.set_imds(require_token=False)
    assert get(aws.imds_url, ROLES)[0] == 200  # version 1
    aws.set_imds(require_token=False, code="AssumeRoleUnauthorizedAccess")
    body = json.loads(get(aws.imds_url, ROLES + "kite-instance-role")[1])
    assert body["Code"] == "AssumeRoleUnauthorizedAccess" and "AccessKeyId" not in body
    aws.set_imds(require_token=False, expired=True)
    body = json.loads(get(aws.imds_url, ROLES + "kite-instance-role")[1])
    assert body["Expiration"] < "9" and body["AccessKeyId"].startswith("ASIA")
    aws.set_imds(put_hangs=True)
    with pytest.raises(TimeoutError):
        request = urllib.request.Request(aws.imds_url + TOKEN_PATH, method="PUT", headers={
            "X-aws-ec2-metadata-token-ttl-seconds": "60"})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=0.1)


def test_faults_reach_the_metadata_listeners(aws):
    aws.set_faults({"match": {"service": "imds", "operation": "PutToken"}, "times": 1,
                    "action": {"status": 500, "body": "down"}},
                   {"match": {"service": "metadata", "path": "/v1/credentials"},
                    "action": {"garbage": True}})
    assert imds_token(aws) == (500, "down") and imds_token(aws)[0] == 200
    with pytest.raises(ValueError):
        json.loads(get(aws.metadata_url, "/v1/credentials")[1])
    assert get(aws.metadata_url, "/v2/credentials/x")[0] == 200
