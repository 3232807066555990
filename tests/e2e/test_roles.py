"""Credentials from files and roles: profiles, web identity, roles of other accounts."""

import os
import subprocess

import pytest
from clients import ask_name
from fake_aws.client import REGION, STATIC_ACCESS_KEY, STATIC_SECRET
from kite import binary
from waiting import eventually

ROLE = "arn:aws:iam::444455556666:role/orders-reader"


def keys(access_key=STATIC_ACCESS_KEY, secret=STATIC_SECRET):
    return f"aws_access_key_id = {access_key}\naws_secret_access_key = {secret}\n"


def with_files(aws, folder, config="", credentials="", **more):
    """The environment of a kite that finds these two files."""
    (folder / "config").write_text(config)
    (folder / "credentials").write_text(credentials)
    return {**aws.env("none"), "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), **more}


def errors(aws, service):
    operations = aws.calls()["services"][service]["operations"]
    return {name: entry["errors"] for name, entry in operations.items() if entry["errors"]}


def signers(aws, service="ecs"):
    return [entry["access_key"] for entry in aws.log() if entry["service"] == service]


def test_keys_region_and_endpoints_of_a_profile(scenario, start_kite, port, tmp_path):
    aws = scenario.aws
    _, backend = scenario.bridge(port)
    config = (f"[profile orders]\nregion = {REGION}\nservices = local\n"
              f"[services local]\necs =\n  endpoint_url = {aws.ecs_url}\n"
              f"ec2 =\n  endpoint_url = {aws.ec2_url}\n")
    env = with_files(aws, tmp_path, config, "[orders]\n" + keys(), AWS_PROFILE="orders")
    for name in ("REGION", "DEFAULT_REGION", "ENDPOINT_URL_ECS", "ENDPOINT_URL_EC2"):
        del env["AWS_" + name]
    kite = start_kite(env=env).wait_listening(port)
    assert ask_name(port) == backend.name
    assert kite.lines(event="region_found", source="region of the profile orders")
    assert STATIC_SECRET not in kite.log_text()


OTHER_USER = 64001


def in_home(env, home):
    """The environment without what names other files than the usual ones."""
    return {"HOME": str(home), **{name: value for name, value in env.items()
                                  if name not in ("HOME", "AWS_CONFIG_FILE",
                                                  "AWS_SHARED_CREDENTIALS_FILE")}}


def of_another(path, mode):
    path.chmod(mode)
    os.chown(path, OTHER_USER, OTHER_USER)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("command", [[], ["check"], ["list"], ["wait"]])
def test_files_of_another_user_are_an_error_for_root_too(aws, tmp_path, command):
    """Root that serves has no right to read them any more; the other commands say the same."""
    (tmp_path / ".aws").mkdir()
    file = tmp_path / ".aws" / "credentials"
    file.write_text("[default]\n" + keys())
    of_another(file, 0o600)
    env = {"PATH": "/usr/bin:/bin", **in_home(aws.env("none"), tmp_path)}
    done = subprocess.run([binary(), *command, "-name=app", "-family=web"], env=env,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"cannot read {file}: Permission denied; make it readable" in done.stderr
    assert not aws.count("ecs", "ListTasks")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a home to another user")
def test_a_home_of_another_user_keeps_nobody_from_other_credentials(scenario, start_kite, port,
                                                                    tmp_path):
    _, backend = scenario.bridge(port)
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text("[default]\n" + keys("AKIAOTHER", "x" * 40))
    of_another(home, 0o700)
    env = in_home(scenario.aws.env("container"), home)
    start_kite(env=env).wait_listening(port)
    assert ask_name(port) == backend.name


def test_keys_that_are_replaced_in_the_file_need_no_restart(scenario, start_kite, port, tmp_path):
    aws = scenario.aws
    scenario.bridge(port)
    kite = start_kite(env=with_files(aws, tmp_path, credentials="[default]\n" + keys()))
    kite.expected_levels = {"error"}
    kite.wait_listening(port)
    aws.set_credentials({"access_key": "AKIDNEXT", "secret": "next-secret"})
    eventually(lambda: aws.count("ecs", "ListTasks", "UnrecognizedClientException"), 10, "refused")
    assert port in kite.listening_ports()
    (tmp_path / "new").write_text("[default]\n" + keys("AKIDNEXT", "next-secret"))
    (tmp_path / "new").rename(tmp_path / "credentials")
    eventually(lambda: signers(aws)[-1] == "AKIDNEXT", 20, "the new key signs")
    assert port in kite.listening_ports()


def test_a_web_identity_is_renewed_with_the_token_of_the_day(scenario, start_kite, port, tmp_path):
    aws = scenario.aws
    aws.set_sts(tokens=["token of monday"], lifetime_seconds=8)
    scenario.bridge(port)
    token = tmp_path / "token"
    token.write_text("token of monday\n")
    env = {**aws.env("none"), "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE}
    kite = start_kite(env=env).wait_listening(port)
    aws.set_sts(tokens=["token of tuesday"], lifetime_seconds=8)
    token.write_text("token of tuesday\n")
    eventually(lambda: aws.count("sts", "AssumeRoleWithWebIdentity", "ok") >= 2, 20, "renewed")
    assert not errors(aws, "sts") and not errors(aws, "ecs"), "none was expired"
    assert "token of" not in kite.log_text()


def test_a_role_of_another_account(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_sts(roles=[ROLE], external_id="orders-2026", lifetime_seconds=8)
    _, backend = scenario.bridge(port)
    kite = start_kite(f"-assume-role={ROLE}", "-external-id=orders-2026",
                      env=aws.env("container")).wait_listening(port)
    assert ask_name(port) == backend.name
    assert kite.lines(event="discovery_starting")[0]["credentials"].startswith(f"role {ROLE}, ass")
    eventually(lambda: aws.count("sts", "AssumeRole", "ok") >= 2, 20, "renewed before its end")
    assert aws.count("metadata", "GetContainerCredentials") == 1, "the base is kept"
    assert not errors(aws, "ecs"), "none was expired"
    eventually(lambda: len(set(signers(aws))) >= 2, 20, "the new keys sign")
    assert not set(signers(aws)) & set(signers(aws, "sts"))


def test_a_role_that_may_not_be_assumed_is_explained(scenario, start_kite, port):
    aws = scenario.aws
    aws.set_sts(external_id="orders-2026")
    scenario.bridge(port)
    kite = start_kite(f"-assume-role={ROLE}")
    kite.expected_levels = {"error"}
    eventually(lambda: "trust policy of the role" in kite.log_text(), 10, "an explanation")
    aws.set_sts()
    kite.wait_listening(port, timeout=40)


def test_rotated_base_credentials_renew_the_role_too(scenario, start_kite, port):
    aws = scenario.aws
    scenario.bridge(port)
    kite = start_kite(f"-assume-role={ROLE}", env=aws.env("container"))
    kite.expected_levels = {"error"}
    kite.wait_listening(port)
    aws.rotate_credentials()  # ends the role's session and the container's
    before = aws.count("ecs", "ListTasks", "ok")
    eventually(lambda: aws.count("ecs", "ListTasks", "ok") > before + 1, 30, "calls succeed again")
    assert aws.count("metadata", "GetContainerCredentials") == 2
    assert port in kite.listening_ports()
