"""The root of the scratch image as a folder, and programs run in it with chroot(1)."""

import os
import pathlib
import shutil
import subprocess
import threading

CA_PATH = "etc/ssl/certs/ca-certificates.crt"


class ScratchRoot:
    """A folder with the program and the CA bundle, as the image has them, and what a container
    runtime adds: /etc/resolv.conf and /dev/urandom. `runner` is an emulator to run it with."""

    def __init__(self, folder, program, bundle, resolver, runner=None):
        self.path = pathlib.Path(folder)
        (self.path / CA_PATH).parent.mkdir(parents=True)
        shutil.copy(program, self.path / "ecs-task-kite")
        shutil.copy(bundle, self.path / CA_PATH)
        (self.path / "etc/resolv.conf").write_text(f"nameserver {resolver}\n")
        (self.path / "dev").mkdir()
        os.mknod(self.path / "dev/urandom", 0o20666, os.makedev(1, 9))
        self._command = ["/ecs-task-kite"]
        if runner:
            shutil.copy(runner, self.path / "runner")
            self._command.insert(0, "/runner")

    def start(self, flags, env, user=65534):
        """A process as `user` in the folder, whose log lines are collected in `.lines`."""
        command = ["chroot", f"--userspec={user}:{user}", str(self.path), *self._command, *flags]
        return Logged(command, env)


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

    def threads(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("Threads:")[1].split()[0])

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
