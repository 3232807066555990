"""Wrong use: one sentence, exit 2, nothing started. And what the environment may say."""

import subprocess

import pytest
from clients import ask_name
from kite import binary

GOOD = ["-name=app", "-family=web"]


def run(arguments, env=None):
    return subprocess.run([binary(), *arguments], env={"PATH": "/usr/bin:/bin", **(env or {})},
                          capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("arguments, names", [
    ([], "-name"),
    (["-family=web"], "-name"),
    (["-name=", "-family=web"], "-name"),
    (["-name=app"], "-family"),
    (["-name=app", "-family=web", "-service=api"], "-service"),
    ([*GOOD, "-port=0"], "-port"),
    ([*GOOD, "-port=65536"], "-port"),
    ([*GOOD, "-port=80:http"], "-port"),
    ([*GOOD, "-port=80,80"], "-port"),
    ([*GOOD, "-bind=localhost"], "-bind"),
    ([*GOOD, "-balance=fastest"], "-balance"),
    ([*GOOD, "-connect-timeout=1"], "-connect-timeout"),
    ([*GOOD, "-connect-deadline=10ms"], "-connect-deadline"),
    ([*GOOD, "-retries=-1"], "-retries"),
    ([*GOOD, "-poll=9s-3s"], "-poll"),
    ([*GOOD, "-poll=1ms-2ms"], "-poll"),
    ([*GOOD, "-public=maybe"], "-public"),
    ([*GOOD, "-loglevel=loud"], "-loglevel"),
    ([*GOOD, "-log-format=xml"], "-log-format"),
    ([*GOOD, "-endpoint-ecs=ftp://x"], "-endpoint-ecs"),
    ([*GOOD, "-region=eu west"], "-region"),
    ([*GOOD, "-assume-role=kite"], "-assume-role"),
    ([*GOOD, "-external-id=x-1"], "-assume-role"),
    (["-name=app", "-family=web:seven"], "-family"),
    ([*GOOD, "-nmae=app"], "-nmae"),
    ([*GOOD, "-admin=9902"], "-admin"),
    ([*GOOD, "-admin=localhost:9902"], "-admin"),
    ([*GOOD, "-admin=unix:kite.sock"], "-admin"),
    ([*GOOD, "stray"], "stray"),
    (["-family=web", "-name"], "-name"),
])
def test_wrong_use_is_one_sentence_that_names_the_flag_and_exit_2(arguments, names):
    done = run(arguments, {"AWS_REGION": "eu-west-1"})
    assert done.returncode == 2
    assert done.stdout == ""
    said = done.stderr.strip().splitlines()
    assert 1 <= len(said) <= 2, done.stderr  # the sentence, and where to read more
    assert names in said[0], done.stderr
    assert said[0].rstrip().endswith((".", "?", ")", '"')) or len(said[0]) > 20, done.stderr


def test_a_wrong_value_from_the_environment_names_the_variable():
    done = run(GOOD, {"KITE_POLL": "soon", "AWS_REGION": "eu-west-1"})
    assert done.returncode == 2
    assert "KITE_POLL" in done.stderr


@pytest.mark.parametrize("variable, value, names", [
    ("AWS_PROFILE", "gone", "profile \"gone\""),
    ("AWS_CONFIG_FILE", "/", "cannot read /"),
    ("HTTPS_PROXY", "socks5://me:secret@127.0.0.1:1", "HTTPS_PROXY"),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "x", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
])
def test_what_the_sdks_variables_say_wrongly_ends_the_start(variable, value, names):
    done = run(GOOD, {variable: value, "AWS_REGION": "eu-west-1"})
    assert done.returncode == 2
    assert names in done.stderr and variable in done.stderr
    assert "secret" not in done.stderr


def test_wrong_use_asks_nothing_of_aws(aws):
    done = run([*GOOD, "-service=api"], aws.env())
    assert done.returncode == 2
    assert aws.connections("ecs") == 0


@pytest.mark.parametrize("flag", ["-help", "--help", "-h"])
def test_help_goes_to_stdout_and_exits_0(flag):
    done = run([flag])
    assert done.returncode == 0
    assert done.stderr == ""
    for name in ("-name", "-family", "-service", "-cluster", "-public", "-port", "-bind",
                 "-balance", "-connect-timeout", "-connect-deadline", "-retries", "-zone-aware",
                 "-slow-start", "-eject-after", "-eject-on-reset", "-poll", "-region",
                 "-endpoint-ecs", "-endpoint-ec2", "-loglevel", "-log-format", "-admin"):
        assert name in done.stdout, name


def test_version_tells_program_and_libraries():
    done = run(["-version"])
    assert done.returncode == 0
    assert done.stdout.startswith("ecs-task-kite ")
    for library in ("curl", "OpenSSL"):
        assert library.lower() in done.stdout.lower(), done.stdout


def test_the_whole_configuration_may_come_from_the_environment(scenario, start_kite, port):
    _, backend = scenario.bridge(port)
    env = {**scenario.aws.env(), "KITE_NAME": "app", "KITE_FAMILY": "web",
           "KITE_BIND": "127.0.0.1", "KITE_POLL": "1s-1s", "KITE_PORT": f"{port}"}
    start_kite(env=env, defaults=False).wait_listening(port)
    scenario.aws.wait_until(lambda: backend.accepted > 0 or try_name(port) == backend.name)


def try_name(port):
    try:
        return ask_name(port)
    except (ConnectionError, AssertionError):
        return None


def test_a_flag_wins_over_its_environment_variable(scenario, start_kite, port):
    scenario.bridge(port)
    env = {**scenario.aws.env(), "KITE_NAME": "other-container", "KITE_CLUSTER": "elsewhere"}
    start_kite("-name=app", "-cluster=default", env=env).wait_listening(port)


def test_json_log_lines_are_json(scenario, start_kite, port):
    import json
    scenario.bridge(port)
    kite = start_kite("-log-format=json").wait_listening(port)
    assert kite.lines()
    for line in kite.lines():
        assert "level" in json.loads(line)
