"""What the kernel says of the memory of processes: resident and proportional sizes, and what a
control group is charged."""

import os
import pathlib
import time

V1 = pathlib.Path("/sys/fs/cgroup/memory")
V2 = pathlib.Path("/sys/fs/cgroup")


def rollup_bytes(pids):
    """(RSS, PSS) in bytes, summed over processes. Source: proc(5), smaps_rollup."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name in sums:
                    sums[name] += int(value.split()[0]) * 1024
    return sums["Rss"], sums["Pss"]


def uncached(path):
    """Takes a file's pages out of memory, so that whoever reads it next is charged for them."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)  # a dirty page stays
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


class MemoryGroup:
    """A memory control group of version 1 or 2; a context manager. Processes join it by
    `before_exec=group.join`. make() gives None where none can be made."""

    def __init__(self, path, version):
        self.path, self.version = path, version

    @staticmethod
    def make(name):
        name = f"{name}-{os.getpid()}"
        try:
            if (V1 / "memory.usage_in_bytes").exists():
                path, version = V1 / name, 1
            elif "memory" in (V2 / "cgroup.controllers").read_text().split():
                path, version = V2 / name, 2
                if "memory" not in (V2 / "cgroup.subtree_control").read_text().split():
                    return None
            else:
                return None
            path.mkdir()
        except OSError:
            return None
        group = MemoryGroup(path, version)
        if not (path / group._limit_file).exists():
            group.close()
            return None
        return group

    _limit_file = property(
        lambda self: "memory.limit_in_bytes" if self.version == 1 else "memory.max")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """The processes must have ended; the kernel takes a moment to notice."""
        for _ in range(100):
            try:
                return self.path.rmdir()
            except OSError:
                time.sleep(0.02)

    def join(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def limit(self, size):
        """A hard limit, which swapping does not soften."""
        (self.path / self._limit_file).write_text(str(size))
        for name, value in (("memory.memsw.limit_in_bytes", size), ("memory.swap.max", 0)):
            if (self.path / name).exists():
                (self.path / name).write_text(str(value))

    def _read(self, name):
        return int((self.path / name).read_text())

    def kernel_bytes(self):
        """What the kernel holds for the processes: descriptors, sockets, and the bytes in them."""
        if self.version == 1:
            return (self._read("memory.kmem.usage_in_bytes")
                    + self._read("memory.kmem.tcp.usage_in_bytes"))
        stat = dict(line.split() for line in (self.path / "memory.stat").read_text().splitlines())
        return int(stat["kernel"]) + int(stat["sock"])

    def peak_bytes(self):
        """The most that was ever charged, or None: kernels before 5.19 do not say for version 2."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        return self._read(name) if (self.path / name).exists() else None
