"""The README says what the sources say. No compiled program is needed."""

import re

from documents import (CODE, README, ROOT, events_of_the_program, first_cells,
                       flags_of_the_program, metrics_of_the_program)

COMMANDS = ("run", "list", "check", "healthcheck", "wait")
# Flags of other programs, in commands that the README shows.
FOREIGN_FLAGS = {"sf"}


def test_every_flag_has_a_row_and_every_row_a_flag():
    documented = [word.removeprefix("-") for word in first_cells("-")]
    assert len(documented) == len(set(documented))
    assert len(documented) > 30
    assert set(documented) == flags_of_the_program()


def test_flags_in_the_text_exist():
    mentioned = set(re.findall(r"(?<![\w-])-([a-z][a-z0-9-]+)(?==|`| )", README))
    # A command line of another tool has two dashes.
    assert mentioned - FOREIGN_FLAGS - flags_of_the_program() == set()


def test_keys_of_a_target_are_all_told():
    text = (ROOT / "src/cli/read_targets.cc").read_text(encoding="utf-8")
    table = text[text.index("kTargetKeys = {"):text.index("};", text.index("kTargetKeys = {"))]
    names = set(re.findall(r"FlagId::(\w+)", table))
    row, = re.findall(r"^\| `-target`.*keys ([^.]*)\. Repeatable", README, re.MULTILINE)
    rename = {"namespace_name": "namespace", "public_addresses": "public"}
    assert {rename.get(name, name) for name in names} == set(re.findall(r"`([a-z]+)`", row))


def test_every_metric_has_a_row_and_every_row_a_metric():
    documented = first_cells("kite_")
    assert len(documented) == len(set(documented))
    assert len(documented) > 50
    assert set(documented) == metrics_of_the_program()


def test_every_line_that_somebody_may_have_to_look_at_is_explained():
    serious = events_of_the_program(("warn", "error"))
    assert len(serious) > 15
    explained = set(re.findall(r"`([a-z0-9_]+)`", README.partition("### Troubleshooting")[2]))
    assert serious - explained == set()


def test_names_of_events_reasons_and_members_exist():
    """Whatever looks like a name of the program's is one: `cache_used`, `no_ports`, `in_bytes`."""
    text = re.sub(r"(?s)\n### From HAProxy.*?\n### ", "\n### ", README)  # its words are not ours
    words = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", text))
    words |= set(re.findall(r"`event=([a-z0-9_]+)`", README))
    ours = {word for word in words if not word.startswith("kite_")}
    assert len(ours) > 50
    unknown = {word for word in ours
               if f'"{word}"' not in CODE and f'\\"{word}\\"' not in CODE}
    assert unknown == set()


def test_every_reason_why_a_task_is_left_out_is_explained():
    text = (ROOT / "src/discovery/backend_filter.cc").read_text(encoding="utf-8")
    body = text[text.index("reason_name("):]
    reasons = set(re.findall(r'return "([a-z_]+)";', body[:body.index("\n}\n")])) - {"unknown"}
    assert len(reasons) > 10
    rows = README.partition("| `reason` of a task")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", rows)) >= reasons


def test_commands_and_exit_codes():
    config = (ROOT / "src/cli/config.h").read_text(encoding="utf-8")
    body = re.search(r"enum class Command[^{]*\{([^}]*)\}", config)[1]
    assert set(re.findall(r"^\s*(\w+)", re.sub(r"//[^\n]*", "", body).replace(",", "\n"),
                          re.MULTILINE)) == set(COMMANDS)
    section = README.partition("\n## Commands\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
        "run", "list", "check", "healthcheck", "wait"]
    codes = re.findall(r"^\| (\d+)", section, re.MULTILINE)
    assert codes == ["0", "1", "2", "134", "137"]
    main = (ROOT / "src/main.cc").read_text(encoding="utf-8")
    assert "kExitUsage = 2" in main


def test_variables_of_the_environment_exist():
    """AWS_... and ECS_... that the README names are read by the program, or by ECS's agent."""
    words = set(re.findall(r"`((?:AWS|ECS)_[A-Z0-9_]+)(?:=\w+)?`", README))
    known = {f"{name}_{part}" for name in ("AWS_ENDPOINT_URL",)
             for part in ("ECS", "EC2", "STS", "SERVICEDISCOVERY")} | {"ECS_AWSVPC_BLOCK_IMDS"}
    assert {word for word in words - known if f'"{word}"' not in CODE} == set()


def test_actions_of_the_policy_are_those_that_are_called():
    calls = set(re.findall(r'"((?:ecs|ec2|servicediscovery|sts):[A-Z]\w+)"', CODE))
    told = set(re.findall(r"\b((?:ecs|ec2|servicediscovery):[A-Z]\w+)", README))
    assert told <= calls
    assert {call for call in calls if not call.startswith("sts:")} <= told


def test_make_targets_exist():
    rules = ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    for path in ("third_party/static.mk", "tests/bench/bench.mk", "tests/fleet/fleet.mk",
                 "tests/torture/torture.mk"):
        rules += (ROOT / path).read_text(encoding="utf-8")
    names = {name for line in re.findall(r"^([a-z][a-z -]*):(?!=)", rules, re.MULTILINE)
             for name in line.split()}
    for name in re.findall(r"\bmake ([a-z-]+)(?=`|  )", README):
        assert name in names, name
