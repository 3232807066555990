"""Secrets stay in the process: nobody of the same user can look into it, and nothing is dumped."""

import os
import pathlib
import resource
import signal
import subprocess
import sys

import pytest

from backends import name_then_echo
from clients import connect, echo_once, names, read_line
from kite import binary
from secrecy import Told, forms
from waiting import free_port

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
FILES = ("mem", "maps", "environ", "auxv", "stack", "syscall")
# Says, for each of some files of a process, whether it can be read.
LOOK = """
import sys
for name in sys.argv[2:]:
    try:
        open(f"/proc/{sys.argv[1]}/{name}", "rb").read(1)
        print(name)
    except OSError:
        pass
"""

sanitized = pytest.mark.skipif("asan" in binary(), reason="sanitizers forbid core files, and keep "
                                                          "freed memory as it was, by design")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="setpriv(1) needs root")


def readable(pid):
    """Which of FILES another process of the user `nobody` can read."""
    done = subprocess.run([*AS_NOBODY, sys.executable, "-c", LOOK, str(pid), *FILES],
                          capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@needs_root
def test_another_process_of_the_same_user_cannot_look_into_it(scenario, start_kite, port):
    scenario.bridge(port)
    other = free_port()
    files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")  # which that user may not read
    env = {name: value for name, value in scenario.aws.env().items() if name not in files}
    kite = start_kite(prefix=AS_NOBODY, env=env).wait_listening(port)
    assert readable(kite.pid) == set()
    open_one = start_kite("-sandbox=off", f"-port={other}:{port}", prefix=AS_NOBODY, env=env)
    open_one.wait_listening(other)
    assert {"environ", "maps"} <= readable(open_one.pid), "or the test would show nothing"


@sanitized
def test_a_death_by_signal_leaves_no_core_file(scenario, start_kite, port, tmp_path):
    """dumpable is off, so the kernel writes none whatever RLIMIT_CORE says."""
    scenario.bridge(port)
    kite = start_kite(prefix=["prlimit", "--core=unlimited", "env", "-C", str(tmp_path)])
    kite.wait_listening(port)
    assert pathlib.Path(f"/proc/{kite.pid}/cwd").resolve() == tmp_path
    limit, _ = resource.prlimit(kite.pid, resource.RLIMIT_CORE)
    assert limit == resource.RLIM_INFINITY
    kite.send_signal(signal.SIGQUIT)
    assert kite.wait() == -signal.SIGQUIT
    assert list(tmp_path.iterdir()) == []


def memory(pid):
    """All that a dump would hold: every mapping that can be read. For root."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            span, rights, *_ = line.split()
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            if end - start > 1 << 30:  # a sanitizer's shadow
                continue
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except OSError:
                continue


@pytest.mark.long
@needs_root
@sanitized
def test_secrets_do_not_multiply_in_memory(scenario, start_kite, port):
    """Root can read all of it; but what polls leave behind must not grow with their number."""
    aws = scenario.aws
    scenario.bridge(port, name_then_echo)
    kite = start_kite(env=aws.env("container")).wait_listening(port)
    names(port, 50)
    with connect(port) as client:
        read_line(client)
        echo_once(client, bytes(50_000))

    def copies():
        dump = b"\0".join(memory(kite.pid))
        found = {secret: dump.count(secret.encode()) for secret in aws.secrets()}
        return max(found.values())

    scenario.settle(3)
    before = copies()
    assert before > 0, "the search finds what is there"
    scenario.settle(12)
    after = copies()
    print(f"copies of a secret: {before}, then {after}")
    # Requests leave theirs in memory that was freed, and the next ones write over it.
    assert after <= 2 * before + 8


def test_the_search_finds_secrets_in_every_form():
    told = Told()
    told.environments.append({"AWS_SESSION_TOKEN": "abc/def+ghi=" * 4,
                              "HTTPS_PROXY": "http://user:pass-word@10.0.0.1:3128"})
    for text in ("x abc/def+ghi=abc/def+ghi=abc", "abc%2Fdef%2Bghi%3Dabc", "is pass-word."):
        told.texts[:] = [("a line", text)]
        with pytest.raises(AssertionError):
            told.check(())
    told.texts[:] = [("a line", "abc/def")]
    told.check(["a web identity token"])
    assert forms("a web identity token") == {"a web identity token", "a%20web%20identity%20token"}
