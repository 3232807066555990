"""Which credentials an environment with its files leads to: botocore's answer and ours."""

import json
import os
import subprocess

import pytest
from fake_aws.client import PYTHON, STATIC_ACCESS_KEY, STATIC_SECRET, FakeAws

from aws_tool import TOOL, AwsTool

pytestmark = pytest.mark.skipif(not os.path.exists(TOOL), reason=f"{TOOL} is not built")

ROLE = "arn:aws:iam::111122223333:role/"
TOKEN = "a web identity token"
ENV = {"AWS_ACCESS_KEY_ID": STATIC_ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": STATIC_SECRET}
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "{token}", "AWS_ROLE_ARN": ROLE + "web"}
KEYS_A = "aws_access_key_id=AKIDA\naws_secret_access_key=secret-a\n"
KEYS_B = "aws_access_key_id = AKIDB\naws_secret_access_key : secret-b\naws_session_token=\n"
CONTAINER, IMDS = "container", "imds"


def role(name, source, more=""):
    key = "credential_source" if source[0].isupper() else "source_profile"
    return f"role_arn={ROLE}{name}\n{key}={source}\n{more}"


# name: (variables, config file, credentials file)
ROWS = {
    "keys in variables": (ENV, "", ""),
    "variables before files": (ENV, f"[default]\n{KEYS_A}", f"[default]\n{KEYS_B}"),
    "variables before a chosen profile": (
        {**ENV, "AWS_PROFILE": "p"}, f"[profile p]\n{KEYS_A}", ""),
    "half a pair in variables": ({"AWS_ACCESS_KEY_ID": "AKIDA"}, "", ""),
    "empty variables are unset": ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
                                  "", f"[default]\n{KEYS_A}"),
    "credentials file": ({}, "", f"[default]\n{KEYS_A}"),
    "config file": ({}, f"[default]\n{KEYS_A}", ""),
    "credentials file before config file": ({}, f"[default]\n{KEYS_A}", f"[default]\n{KEYS_B}"),
    "half in either file": ({}, "[default]\naws_access_key_id=AKIDA\n",
                            "[default]\naws_secret_access_key=secret-a\n"),
    "half a pair in a file": ({}, "", "[default]\naws_access_key_id=AKIDA\n"),
    "a chosen profile": ({"AWS_PROFILE": "p"}, f"[default]\n{KEYS_A}\n[profile p]\n{KEYS_B}", ""),
    "a chosen profile of the credentials file": ({"AWS_PROFILE": "p"}, "",
                                                 f"[default]\n{KEYS_A}[p]\n{KEYS_B}"),
    "the other variable for a profile": (
        {"AWS_DEFAULT_PROFILE": "p"}, f"[profile p]\n{KEYS_B}", ""),
    "a quoted profile": ({"AWS_PROFILE": "my team"}, f"[profile \"my team\"]\n{KEYS_B}", ""),
    "a profile in the config file without the word": ({"AWS_PROFILE": "p"}, f"[p]\n{KEYS_B}", ""),
    "a profile that is nowhere": ({"AWS_PROFILE": "p"}, f"[default]\n{KEYS_A}", ""),
    "comments and blanks": ({}, "", f"# c\n; d\n\n[default]\n  # e\n{KEYS_A}\n"),
    "indented keys": ({}, "", "[default]\n  aws_access_key_id = AKIDA\n"
                              "  aws_secret_access_key = secret-a\n"),
    "nested values beside keys": ({}, f"[default]\ns3 =\n  max_queue_size = 1\n{KEYS_A}", ""),
    "capital keys": (
        {}, "", "[default]\nAWS_ACCESS_KEY_ID=AKIDA\nAws_Secret_Access_Key=secret-a\n"),
    "a line that is nothing": ({}, "", f"[default]\n{KEYS_A}nothing\n"),
    "keys before a section": ({}, "", KEYS_A),
    "web identity in variables": (WEB, "", ""),
    "web identity before the container": ({**WEB, CONTAINER: ""}, "", ""),
    "web identity before keys in files": (WEB, "", f"[default]\n{KEYS_A}"),
    "web identity after keys in variables": ({**ENV, **WEB}, "", ""),
    "web identity without a role": ({**WEB, "AWS_ROLE_ARN": ""}, "", ""),
    "web identity without its file": ({**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "/gone"}, "", ""),
    "web identity in a profile": (
        {}, f"[default]\nweb_identity_token_file={{token}}\nrole_arn={ROLE}w\n", ""),
    "web identity in a profile with keys": (
        {}, f"[default]\n{KEYS_A}web_identity_token_file={{token}}\nrole_arn={ROLE}w\n", ""),
    "role from keys of another profile": (
        {}, f"[default]\n{role('r', 'a')}[profile a]\n{KEYS_A}", ""),
    "role with everything": (
        {}, f"[default]\n{role('r', 'a', 'external_id=x-1')}\nrole_session_name=me\n"
            f"duration_seconds=1800\n", f"[a]\n{KEYS_A}"),
    "role before keys beside it": (
        {}, f"[default]\n{KEYS_A}{role('r', 'b')}[profile b]\n{KEYS_B}", ""),
    "role of its own profile's keys": ({}, f"[default]\n{KEYS_A}{role('r', 'default')}", ""),
    "role after role": (
        {}, f"[default]\n{role('r1', 'm')}[profile m]\n{role('r2', 'a')}[profile a]\n{KEYS_A}", ""),
    "a source's keys before its role": (
        {}, f"[default]\n{role('r1', 'm')}[profile m]\n{KEYS_B}{role('r2', 'a')}"
            f"[profile a]\n{KEYS_A}", ""),
    "role from a web identity": (
        {}, f"[default]\n{role('r', 'w')}[profile w]\nrole_arn={ROLE}w\n"
            "web_identity_token_file={token}\n", ""),
    "role from the container": ({CONTAINER: ""}, f"[default]\n{role('r', 'EcsContainer')}", ""),
    "role from the instance": ({IMDS: ""}, f"[default]\n{role('r', 'Ec2InstanceMetadata')}", ""),
    "role from a source that is none": ({}, f"[default]\n{role('r', 'Nowhere')}", ""),
    "role from variables that are not set": ({}, f"[default]\n{role('r', 'Environment')}", ""),
    "role without a source": ({CONTAINER: ""}, f"[default]\nrole_arn={ROLE}r\n", ""),
    "role with two sources": ({}, f"[default]\n{role('r', 'a')}"
                              f"credential_source=Environment\n[profile a]\n{KEYS_A}", ""),
    "role whose source is nowhere": ({CONTAINER: ""}, f"[default]\n{role('r', 'gone')}", ""),
    "role whose source has nothing": (
        {CONTAINER: ""}, f"[default]\n{role('r', 'a')}[profile a]\nregion=x\n", ""),
    "roles in a circle": (
        {}, f"[default]\n{role('r1', 'a')}[profile a]\n{role('r2', 'default')}", ""),
    "the container": ({CONTAINER: ""}, "", ""),
    "the container after a profile without keys": (
        {CONTAINER: "", "AWS_PROFILE": "p"}, "[profile p]\nregion=eu-west-1\n", ""),
    "the container before the instance": ({CONTAINER: "", IMDS: ""}, "", ""),
    "keys in files before the container": ({CONTAINER: ""}, "", f"[default]\n{KEYS_A}"),
    "the instance": ({IMDS: ""}, "", ""),
    "nothing": ({}, "", ""),
}

# Where we differ on purpose: the row and why.
DIFFERENT = {
    "half in either file":
        "botocore goes on to the next source; half a pair is a mistake worth naming",
}

BOTOCORE = """
import botocore.session, json, os, sys
make_client = botocore.session.Session.create_client
def create_client(session, service, *positional, **named):
    if service == "sts":  # older ones do not read AWS_ENDPOINT_URL_STS
        named["endpoint_url"] = os.environ["AWS_ENDPOINT_URL_STS"]
    return make_client(session, service, *positional, **named)
botocore.session.Session.create_client = create_client
for line in sys.stdin:
    os.environ.clear()
    os.environ.update(json.loads(line))
    try:
        session = botocore.session.Session()
        session.get_scoped_config()
        found = session.get_credentials()
        key = found.get_frozen_credentials().access_key if found else None
        print(json.dumps({"access_key": key} if key else {"error": "none"}), flush=True)
    except Exception as problem:
        print(json.dumps({"error": str(problem)}), flush=True)
"""


@pytest.fixture(scope="module")
def aws():
    with FakeAws() as made:
        made.set_credentials(
            {"access_key": STATIC_ACCESS_KEY, "secret": STATIC_SECRET},
            {"access_key": "AKIDA", "secret": "secret-a"},
            {"access_key": "AKIDB", "secret": "secret-b"})
        yield made


@pytest.fixture(scope="module")
def ask_botocore():
    """A function of an environment; all rows share one interpreter."""
    with subprocess.Popen([PYTHON, "-c", BOTOCORE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process:
        def ask(env):
            process.stdin.write(json.dumps(env) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        yield ask
        process.stdin.close()


def environment(aws, folder, row):
    variables, config, credentials = ROWS[row]
    (folder / "token").write_text(TOKEN)
    token = str(folder / "token")
    (folder / "config").write_text(config.replace("{token}", token))
    (folder / "credentials").write_text(credentials.replace("{token}", token))
    env = {**aws.env("none"), "HOME": str(folder), "AWS_CONFIG_FILE": str(folder / "config"),
           "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
    for kind in (CONTAINER, IMDS):
        if kind in variables:
            env.update({name: value for name, value in aws.env(kind).items()
                        if "CONTAINER" in name or "METADATA" in name})
    env.update({name: value.replace("{token}", token) for name, value in variables.items()
                if name.isupper()})
    if CONTAINER in variables and IMDS in variables:
        env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = aws.metadata_url + "/v2/credentials/kite"
    return env


def way(aws, answer):
    """What was chosen, in words that do not depend on keys made up by the fake, and whom it asked:
    roles assumed with their parameters and who signed."""
    if "error" in answer:
        return "error"
    asked = []
    for entry in aws.log():
        operation = entry["operation"]
        if entry["status"] != 200 or not operation.startswith(("Assume", "GetContainerC",
                                                               "GetRoleC")):
            continue
        parameters = entry["parameters"] or {}
        shown = {name: value for name, value in parameters.items()
                 if name in ("RoleArn", "ExternalId", "DurationSeconds")}
        if parameters.get("RoleSessionName") == "me":
            shown["RoleSessionName"] = "me"
        signer = entry["access_key"] or ""
        asked.append((operation, shown, signer if signer.startswith("AKID") else bool(signer)))
    key = answer["access_key"]
    return asked, key if key.startswith("AKID") else "temporary"


@pytest.mark.parametrize("row", ROWS)
def test_botocore_and_we_choose_the_same(aws, ask_botocore, row, tmp_path):
    env = environment(aws, tmp_path, row)
    aws.reset_calls()
    theirs = way(aws, ask_botocore(env))
    aws.reset_calls()
    with AwsTool(env) as tool:
        answer = tool.ask("credentials")
    ours = way(aws, answer)
    if row in DIFFERENT and ours != theirs:
        assert ours == "error", (DIFFERENT[row], ours, theirs)
        return
    assert ours == theirs, answer


def test_an_assumed_role_goes_on_top_of_what_was_found(aws, tmp_path):
    aws.reset_calls()
    with AwsTool(environment(aws, tmp_path, "credentials file"), ROLE + "top", "x-1") as tool:
        assert tool.ask("credentials")["access_key"].startswith("ASIA")
        assert tool.ask("ecs:ListTasks")["result"] == "ok"
    entries = [entry for entry in aws.log() if entry["service"] in ("sts", "ecs")]
    assert entries[0]["parameters"]["ExternalId"] == "x-1"
    assert entries[0]["access_key"] == "AKIDA"
    assert entries[1]["access_key"].startswith("ASIA")
