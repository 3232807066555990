"""STS against boto3's client, and against botocore's providers that use it."""

import json
import os
import subprocess

import boto3
import botocore.config
import botocore.exceptions
import pytest

from .client import PYTHON
from .conftest import client_for

ROLE = "arn:aws:iam::111122223333:role/kite"
TOKEN = "a web identity token"


@pytest.fixture
def sts(aws):
    return client_for(aws, "sts")


def code_of(call, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def assume(sts, **parameters):
    return sts.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "me", **parameters})


def list_tasks(aws, keys):
    return client_for(aws, "ecs", aws_access_key_id=keys["AccessKeyId"],
                      aws_secret_access_key=keys["SecretAccessKey"],
                      aws_session_token=keys["SessionToken"]).list_tasks()


def test_an_assumed_role_may_call_the_services(aws, sts):
    answer = assume(sts, DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/kite/me"
    assert list_tasks(aws, answer["Credentials"])["taskArns"] == []
    assert aws.log(1)[0]["access_key"] == answer["Credentials"]["AccessKeyId"]
    aws.rotate_credentials()
    assert code_of(lambda: list_tasks(aws, answer["Credentials"])) == "ExpiredTokenException"


def test_assume_role_checks_caller_role_and_form(aws, sts):
    aws.set_sts(roles=[ROLE], external_id="x-1")
    assert assume(sts, ExternalId="x-1")["Credentials"]
    assert code_of(assume, sts=sts) == "AccessDenied"
    assert code_of(assume, sts=sts, ExternalId="x-2") == "AccessDenied"
    assert code_of(assume, sts=sts, ExternalId="x-1", RoleArn=ROLE + "2") == "AccessDenied"
    aws.set_sts()
    assert code_of(assume, sts=sts, RoleSessionName="no blanks") == "ValidationError"
    assert code_of(assume, sts=sts, DurationSeconds=43201) == "ValidationError"
    stranger = client_for(aws, "sts", aws_access_key_id="AKIDSTRANGER")
    assert code_of(assume, sts=stranger) == "InvalidClientTokenId"
    forger = client_for(aws, "sts", aws_secret_access_key="guess")
    assert code_of(assume, sts=forger) == "SignatureDoesNotMatch"
    aws.deny("sts:AssumeRole")
    assert code_of(assume, sts=sts) == "AccessDenied"


def test_sts_tolerates_more_of_a_clock(aws, sts):
    for offset in (-890, 890):
        aws.set_clock(offset)
        assert assume(sts)["Credentials"]
    for offset in (-910, 910):
        aws.set_clock(offset)
        assert code_of(assume, sts=sts) == "SignatureDoesNotMatch"


def test_a_web_identity_needs_a_good_token_and_no_signature(aws):
    sts = boto3.client("sts", endpoint_url=aws.sts_url, region_name=aws.region,
                       config=botocore.config.Config(signature_version=botocore.UNSIGNED,
                                                     proxies={}))

    def show(token):
        return sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="me",
                                                 WebIdentityToken=token)
    assert list_tasks(aws, show(TOKEN)["Credentials"])["taskArns"] == []
    assert code_of(show, token="another token") == "InvalidIdentityToken"
    aws.set_sts(tokens=[], expired_tokens=[TOKEN])
    assert code_of(show, token=TOKEN) == "ExpiredTokenException"
    assert "WebIdentityToken" not in json.dumps(aws.log())


# Older botocores do not read AWS_ENDPOINT_URL_STS.
SCRIPT = """
import boto3, botocore.session, os, sys
make_client = botocore.session.Session.create_client
def create_client(session, service, *positional, **named):
    named["endpoint_url"] = os.environ["AWS_ENDPOINT_URL_" + service.upper()]
    return make_client(session, service, *positional, **named)
botocore.session.Session.create_client = create_client
print(boto3.Session(profile_name=sys.argv[1]).client("ecs").list_tasks()["taskArns"], end="")
"""


@pytest.mark.parametrize("profile", [
    f"role_arn={ROLE}\ncredential_source=Environment\n",
    f"role_arn={ROLE}\nweb_identity_token_file={{token}}\n"])
def test_botocores_providers_assume_roles(aws, profile, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config").write_text("[profile p]\n" + profile.format(token=tmp_path / "token"))
    env = {**aws.env(), "PATH": os.environ["PATH"], "HOME": "/nonexistent",
           "AWS_CONFIG_FILE": str(tmp_path / "config")}
    done = subprocess.run([PYTHON, "-c", SCRIPT, "p"], env=env, capture_output=True, timeout=60,
                          check=False)
    assert (done.returncode, done.stdout) == (0, b"[]"), done.stderr.decode()
    assert aws.log(1)[0]["access_key"].startswith("ASIA")
    assert aws.count("sts", error=None) == 1
