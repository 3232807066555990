"""The root of the scratch image as a folder, and programs run in it with chroot(1)."""

import os
import pathlib
import shutil
import subprocess
import threading

# In a mount namespace of its own, so that the mounts end with the process.
READ_ONLY = """mount --bind "$0" "$0"
mount -o remount,ro,bind "$0"
user=$1
shift
exec chroot "$user" "$0" "$@" """
CA_PATH = "etc/ssl/certs/ca-certificates.crt"


def lay_out(folder, program, bundle):
    """The image's root in `folder`: the program, the CA bundle, nothing else."""
    folder = pathlib.Path(folder)
    (folder / CA_PATH).parent.mkdir(parents=True)
    shutil.copy(program, folder / "ecs-task-kite")
    shutil.copy(bundle, folder / CA_PATH)
    return folder


class ScratchRoot:
    """The image's root in `folder`, to which it adds what a container runtime does, /dev/urandom
    and /etc/resolv.conf. `runner` is an emulator to run it with. The program sees it read-only."""

    def __init__(self, folder, resolver, runner=None):
        self.path = pathlib.Path(folder)
        (self.path / "etc/resolv.conf").write_text(f"nameserver {resolver}\n")
        (self.path / "dev").mkdir()
        os.mknod(self.path / "dev/urandom", 0o20666, os.makedev(1, 9))
        self._command = ["/ecs-task-kite"]
        if runner:
            shutil.copy(runner, self.path / "runner")
            self._command.insert(0, "/runner")

    def start(self, flags, env, user=65534):
        """A process as `user` in the folder, whose log lines are collected in `.lines`."""
        return Logged(["unshare", "--mount", "sh", "-ec", READ_ONLY, str(self.path),
                       f"--userspec={user}:{user}", *self._command, *flags], env)


class Logged(subprocess.Popen):
    """A process whose standard error is read line by line as it comes."""

    def __init__(self, command, env):
        super().__init__(command, env={"PATH": "/usr/sbin:/usr/bin", **env}, text=True,
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.stderr:
            self.lines.append(line.rstrip())

    def log(self):
        return "\n".join(self.lines)

    def status(self, field):
        """A field of /proc/<pid>/status."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return text.split(f"{field}:")[1].split()[0]

    def threads(self):
        return int(self.status("Threads"))

    def end(self):
        """Exit code after SIGTERM."""
        self.terminate()
        try:
            code = self.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self.wait()
        self._reader.join(5)
        self.stderr.close()
        return code
