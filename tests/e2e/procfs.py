"""What the kernel says of a process: descriptors by kind, listening ports, threads, memory."""

import os
import socket
import struct
from collections import Counter, namedtuple

TcpSocket = namedtuple("TcpSocket", "local remote state inode")
LISTEN = 0x0A


def _address(text):
    """"0100007F:1F90" -> ("127.0.0.1", 8080). The kernel prints 32-bit words in host order."""
    host, port = text.split(":")
    words = [int(host[i:i + 8], 16) for i in range(0, len(host), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


def tcp_sockets(pid):
    """inode -> TcpSocket of the process's network namespace."""
    found = {}
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as lines:
            next(lines)
            for line in lines:
                fields = line.split()
                made = TcpSocket(_address(fields[1]), _address(fields[2]), int(fields[3], 16),
                                 int(fields[9]))
                found[made.inode] = made
    return found


def _other_inodes(pid):
    """Inodes of sockets that are not TCP."""
    inodes = set()
    for table, column in (("unix", 6), ("udp", 9), ("udp6", 9), ("netlink", 9)):
        with open(f"/proc/{pid}/net/{table}") as lines:
            next(lines)
            for line in lines:
                fields = line.split()
                if len(fields) > column:
                    inodes.add(int(fields[column]))
    return inodes


def _links(pid):
    """What every descriptor points at. A descriptor may close while we read."""
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        try:
            yield int(name), os.readlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue


class Census:
    """The descriptors of a process, 0 to 2 left out.

    `listeners` (address, port) pairs; `tunnels` TCP sockets of clients and backends, those that the
    kernel no longer lists among them; `api` TCP sockets to one of `api_ports`; `pipes` pipe ends;
    `other` a Counter of the rest.
    """

    def __init__(self, pid, api_ports=()):
        self.listeners, self.other = set(), Counter()
        self.tunnels = self.api = self.pipes = 0
        # The descriptors first: a socket closed between the two reads is merely not found.
        links = list(_links(pid))
        tcp, others = tcp_sockets(pid), _other_inodes(pid)
        for number, link in links:
            if number <= 2:
                continue
            if link.startswith("pipe:"):
                self.pipes += 1
            elif link.startswith("socket:["):
                self._count_socket(int(link[8:-1]), tcp, others, api_ports)
            else:
                self.other[link] += 1

    def _count_socket(self, inode, tcp, others, api_ports):
        known = tcp.get(inode)
        if known is None:
            if inode in others:
                self.other["socket"] += 1
            else:
                self.tunnels += 1
        elif known.state == LISTEN:
            self.listeners.add(known.local)
        elif known.remote[1] in api_ports:
            self.api += 1
        else:
            self.tunnels += 1

    def __repr__(self):
        return (f"Census(listeners={sorted(self.listeners)}, tunnels={self.tunnels}, "
                f"api={self.api}, pipes={self.pipes}, other={dict(self.other)})")


def status(pid, field):
    """A field of /proc/<pid>/status as text."""
    with open(f"/proc/{pid}/status") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name == field:
                return value.strip()
    raise KeyError(field)


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def rss_kib(pid):
    return int(status(pid, "VmRSS").split()[0])


def voluntary_switches(pid):
    """Times the process went to sleep: for an event loop, the waits that had to wait."""
    return int(status(pid, "voluntary_ctxt_switches"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as text:
        fields = text.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
