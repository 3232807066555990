"""The sandbox of the running program: what is in force, and what somebody inside could not do."""

import os
import platform

import pytest

from clients import ask_name
from injected import injected
from kite import binary
from procfs import status
from waiting import eventually

EPERM = 1
NET_BIND_SERVICE = 1 << 10
KILL_NOBODY = 0

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="ptrace(2) and setpriv(1) need root")
x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="knows x86-64 registers only")
# A leak checker stops and reads its own process, so a sanitized program may do that.
sanitized = pytest.mark.skipif("asan" in binary(), reason="has rules for its sanitizers")

AT_FDCWD = -100
O_WRONLY, O_CREAT = 1, 0o100
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17
PROT_READ, PROT_EXEC, ANONYMOUS = 1, 4, 0x22
AF_UNIX, AF_INET, AF_PACKET, SOCK_STREAM, SOCK_RAW = 1, 2, 17, 1, 3
INIT = 1

ESCAPES = {
    "execve": (59, 0, 0, 0), "execveat": (322, AT_FDCWD, 0, 0, 0, 0),
    "fork": (57,), "vfork": (58,), "clone": (56, SIGCHLD), "clone3": (435, 0, 88),
    "clone into a user namespace": (56, CLONE_NEWUSER | SIGCHLD),
    "a new user namespace": (272, CLONE_NEWUSER), "enter a namespace": (308, 0, 0),
    "open for writing": (257, AT_FDCWD, 0, O_WRONLY),
    "create": (257, AT_FDCWD, 0, O_CREAT, 0o600),
    "ptrace": (101, 16, INIT), "read another's memory": (310, INIT, 0, 0, 0, 0, 0),
    "kill": (62, INIT, KILL_NOBODY), "tgkill": (234, INIT, INIT, KILL_NOBODY),
    "tkill": (200, INIT, KILL_NOBODY),
    "a raw socket": (41, AF_INET, SOCK_RAW, 1), "a packet socket": (41, AF_PACKET, SOCK_RAW, 0),
    "a unix socket": (41, AF_UNIX, SOCK_STREAM, 0),
    "load a module": (175, 0, 0, 0), "load a module's file": (313, 0, 0, 0),
    "mount": (165, 0, 0, 0, 0, 0), "unmount": (166, 0, 0), "chroot": (161, 0),
    "pivot_root": (155, 0, 0), "bpf": (321, 0, 0, 0), "keyctl": (250, 0),
    "perf_event_open": (298, 0, 0, 0, 0, 0), "io_uring_setup": (425, 1, 0),
    "userfaultfd": (323, 0), "memfd_create": (319, 0, 0), "chmod": (90, 0, 0), "fchmod": (91, 0, 0),
    "chown": (92, 0, 0, 0), "unlink": (87, 0), "rename": (82, 0, 0), "setuid": (105, 0),
    "setgid": (106, 0), "capset": (126, 0, 0), "reboot": (169, 0, 0, 0, 0),
    "prctl": (157, 4, 1, 0, 0, 0), "another filter": (317, 0, 0, 0),
    "executable memory": (9, 0, 4096, PROT_READ | PROT_EXEC, ANONYMOUS, -1, 0),
    "make memory executable": (10, 0, 4096, PROT_READ | PROT_EXEC),
}


def state(kite):
    """The fields of the line that says what is in force."""
    return eventually(lambda: kite.lines(event="sandbox"), 20, "a sandbox line")[0]


@needs_root
@x86_64
@sanitized
def test_nothing_escapes_while_everything_works(scenario, port, start_kite):
    scenario.bridge(port, name="one")
    kite = start_kite()
    kite.wait_listening(port)
    kite.expected_levels = {"error"}
    assert ask_name(port) == "one"
    assert status(kite.pid, "Seccomp") == "2" and status(kite.pid, "NoNewPrivs") == "1"
    with injected(kite.pid) as inside:
        assert inside.call(39) == (kite.pid, False), "getpid is allowed"
        escaped = {name: made for name, (number, *arguments) in ESCAPES.items()
                   if not (made := inside.call(number, *arguments))[1]}
        assert inside.call(59, 0, 0, 0, deliver=True) == (-EPERM, True)
        assert inside.call(59, 0, 0, 0, deliver=True) == (-EPERM, True)
    assert not escaped
    scenario.settle()
    assert ask_name(port) == "one"
    eventually(lambda: kite.lines(event="syscall_refused"), 20, "the refusal in the log")
    refusals = kite.lines(event="syscall_refused")
    assert [line["number"] for line in refusals] == ["59"], "once, and only what was delivered"


@needs_root
def test_root_keeps_one_capability(scenario, port, start_kite):
    scenario.bridge(port)
    kite = start_kite().wait_listening(port)
    line = state(kite)
    assert line["level"] == "info" and line["no_new_privs"] == "true", line
    assert line["capabilities"] == "net_bind_service" and int(line["syscalls_allowed"]) > 50, line
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status(kite.pid, name), 16) == NET_BIND_SERVICE, name
    for name in ("CapInh", "CapAmb"):
        assert int(status(kite.pid, name), 16) == 0, name
    assert os.stat(f"/proc/{kite.pid}/mem").st_uid == 0


@needs_root
def test_any_user_enters_it(scenario, port, start_kite):
    """dumpable is off: what is the user's own in /proc belongs to root."""
    scenario.bridge(port, name="one")
    kite = start_kite(prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    kite.wait_listening(port)
    assert ask_name(port) == "one"
    assert state(kite)["capabilities"] == "none"
    assert status(kite.pid, "Seccomp") == "2" and status(kite.pid, "NoNewPrivs") == "1"
    assert int(status(kite.pid, "CapEff"), 16) == 0
    assert os.stat(f"/proc/{kite.pid}/mem").st_uid == 0


def test_it_can_be_left_out(scenario, port, start_kite):
    scenario.bridge(port)
    kite = start_kite("-sandbox=off").wait_listening(port)
    assert status(kite.pid, "Seccomp") == status("self", "Seccomp")
    assert status(kite.pid, "CapEff") == status("self", "CapEff")
    assert kite.lines(event="sandbox_off", level="warn")
