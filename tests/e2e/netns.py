"""Network namespaces joined by veth: hosts with addresses and links of their own.

    kite's host ---- 198.18.1.1 | 198.18.1.2  host 1
                ---- 198.18.2.1 | 198.18.2.2  host 2 ...

198.18.0.0/15 is for tests of network devices (RFC 2544); none of the namespaces has a default
route, so nothing leaves the machine.
"""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


def why_not_permitted():
    """None when this process may make namespaces and links, else the reason."""
    name = f"kite-try-{os.getpid()}"
    try:
        made = ip("netns", "add", name, check=False)
        if made.returncode == 0:
            made = ip("-n", name, "link", "add", "name", "a", "type", "veth", "peer", "name", "b",
                      check=False)
    except FileNotFoundError:
        return "the ip command is missing"
    if made.returncode != 0:
        ip("netns", "delete", name, check=False)
        return f"network namespaces are not permitted: {made.stderr.strip()}"
    ip("netns", "delete", name)
    return None


@contextlib.contextmanager
def inside(name):
    """This thread, and every process and thread it starts, live in the namespace meanwhile. A
    socket stays in the namespace it was made in."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    away = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _enter(away)
        yield
    finally:
        _enter(home)
        os.close(home)
        os.close(away)


def _enter(namespace):
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """The kite's namespace (`here`) and `count` hosts around it. Removed by close()."""

    def __init__(self, count):
        prefix = f"kite-{os.getpid()}"
        self.here = f"{prefix}-0"
        self.hosts = [f"{prefix}-{i}" for i in range(1, count + 1)]
        try:
            for name in (self.here, *self.hosts):
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            for i, name in enumerate(self.hosts, 1):
                ip("-n", self.here, "link", "add", "name", f"to{i}", "type", "veth",
                   "peer", "name", "eth0", "netns", name)
                ip("-n", self.here, "address", "add", f"198.18.{i}.1/30", "dev", f"to{i}")
                ip("-n", name, "address", "add", f"198.18.{i}.2/30", "dev", "eth0")
                ip("-n", self.here, "link", "set", f"to{i}", "up")
                ip("-n", name, "link", "set", "eth0", "up")
        except BaseException:
            self.close()
            raise

    def address(self, number):
        """The address of host `number`, from 1."""
        return f"198.18.{number}.2"

    def cut(self, number):
        """Takes the host's link down: what is sent there is lost, nobody answers."""
        ip("-n", self.hosts[number - 1], "link", "set", "eth0", "down")

    def join(self, number):
        ip("-n", self.hosts[number - 1], "link", "set", "eth0", "up")

    def close(self):
        for name in (self.here, *self.hosts):
            ip("netns", "delete", name, check=False)
