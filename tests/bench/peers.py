"""The proxies that are compared: the kite, HAProxy, nginx, and no proxy at all.

Each forwards 127.0.0.1:`port` to the given backends, in one thread, choosing at random, and is a
context manager:

    with Haproxy([("127.0.0.1", 9000)]) as proxy:
        connect(proxy.address); rss_kib(proxy.pid); proxy.pids
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from e2e.procfs import LISTEN, tcp_sockets  # noqa: E402
from e2e.waiting import eventually, free_port  # noqa: E402
from fake_aws.client import FakeAws, bridge_task, instance  # noqa: E402

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
# As many as two descriptors each, and HAProxy's pipes, leave of a limit of 20,000.
CONNECTIONS_MAX = 9500
BACKLOG = 4096


def kite_binary():
    """The shipped program, or the one that KITE_BINARY names."""
    return str((ROOT / os.environ.get("KITE_BINARY", "build/static/ecs-task-kite")).resolve())


def children(pid):
    """A process and its descendants, parents first."""
    found = [pid]
    for parent in found:
        try:
            with open(f"/proc/{parent}/task/{parent}/children") as text:
                found += map(int, text.read().split())
        except FileNotFoundError:
            continue
    return found


def listens(pid, port):
    return any(one.state == LISTEN and one.local[1] == port for one in tcp_sockets(pid).values())


class Peer:
    """One proxy. The process starts in __enter__, which returns when it listens. To time the start:
    prepare(), which does all that comes before the process, then start(), which does not wait.
    What it says goes to a file that `log()` reads.

    `before_exec` runs in the new process: to join a cgroup, to set a limit.
    Subclasses give `name`, command() and, if needed, environment() and ready().
    """

    name = ""

    def __init__(self, backends, port=None, before_exec=None):
        self.backends = list(backends)
        self.port = port or free_port()
        self.address = ("127.0.0.1", self.port)
        self.before_exec = before_exec
        self._process = self._command = None
        self._folder = tempfile.TemporaryDirectory(prefix=f"bench-{self.name.split()[0]}-")
        self.folder = pathlib.Path(self._folder.name)

    pid = property(lambda self: self._process.pid)
    pids = property(lambda self: children(self._process.pid) if self._process else [])

    def __enter__(self):
        try:
            return self.prepare().start().wait_ready()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def prepare(self):
        self._command = self.command()
        return self

    def start(self):
        with open(self.folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=self.before_exec)
        return self

    def wait_ready(self):
        def ready():
            assert self._process.poll() is None, f"{self.name} ended:\n{self.log()}"
            return listens(self.pid, self.port)
        eventually(ready, 20, f"{self.name} listening on {self.port}; {self.log()}", every=0.005)
        return self

    def log(self):
        """What the proxy has said so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        """Ends the process tree; may be called again."""
        if self._process is not None:
            pids = self.pids
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        self._folder.cleanup()


class Direct(Peer):
    """No proxy: the first backend itself."""

    name = "direct"

    def prepare(self):
        return self

    def start(self):
        self.address = tuple(self.backends[0])
        self.port = self.address[1]
        return self

    def wait_ready(self):
        return self


class Kite(Peer):
    """The kite, told of its backends by a local AWS of its own, `aws`.

    `flags` replace the ones here by name; `program` is another build; `cloud` makes the local AWS
    and says what else the kite's environment needs, as tls_cloud.TlsCloud does.
    """

    name = "kite"

    def __init__(self, backends, port=None, before_exec=None, flags=(), program=None,
                 cloud=None):
        super().__init__(backends, port, before_exec)
        self.flags, self.program, self.cloud = list(flags), program or kite_binary(), cloud
        self.aws = None

    def prepare(self):
        self.aws = self.cloud.aws() if self.cloud else FakeAws()
        fill(self.aws, self.backends, self.port)
        return super().prepare()

    def command(self):
        # The others end connections at SIGTERM too; what drains would only be waited for.
        flags = {"-name": "app", "-family": "web", "-bind": "127.0.0.1", "-drain-timeout": "0"}
        flags.update(flag.split("=", 1) for flag in self.flags)
        return [str(self.program), *(f"{name}={value}" for name, value in flags.items())]

    def environment(self):
        return {**self.aws.env(), **(self.cloud.env(self.aws) if self.cloud else {})}

    def stop(self):
        super().stop()
        if self.aws is not None:
            self.aws.close()
            self.aws = None

    @staticmethod
    def version():
        said = subprocess.run([kite_binary(), "-version"], capture_output=True, text=True,
                              check=True)
        return said.stdout.splitlines()[0].split()[-1]


def fill(aws, backends, container_port):
    """Tells a fake AWS of one bridge task for each (host, port)."""
    hosts = {host: instance(host) for host, _ in backends}
    aws.put_instances(list(hosts.values()))
    aws.put_tasks([bridge_task("default", "web", 7, "app", [(container_port, port)], hosts[host])
                   for host, port in backends])


class Haproxy(Peer):
    """HAProxy in TCP mode, one thread, splicing both ways; `pipe_bytes` None leaves the kernel's
    pipe size, as HAProxy does by default."""

    name = "haproxy"

    def __init__(self, backends, port=None, before_exec=None, pipe_bytes=None):
        super().__init__(backends, port, before_exec)
        self.pipe_bytes = pipe_bytes
        if pipe_bytes:
            self.name = f"haproxy {pipe_bytes >> 10} KiB pipes"

    def command(self):
        # Splicing is asked for by name: 2.6's splice-auto does not engage. maxpipes because its
        # default, a quarter of maxconn, would not leave the descriptors for maxconn. Without
        # verification its HTTP client, which nothing here uses, loads no CA bundle: that would cost
        # it 100 ms and 2 MB.
        lines = ["global", "  nbthread 1", f"  maxconn {CONNECTIONS_MAX}", "  maxpipes 400",
                 "  httpclient.ssl.verify none"]
        if self.pipe_bytes:
            lines.append(f"  tune.pipesize {self.pipe_bytes}")
        lines += ["defaults", "  mode tcp", "  option splice-request", "  option splice-response",
                  f"  maxconn {CONNECTIONS_MAX}", "  timeout connect 1s", "  timeout client 1h",
                  "  timeout server 1h", "listen bench",
                  f"  bind 127.0.0.1:{self.port} backlog {BACKLOG}", "  balance random"]
        lines += [f"  server s{index} {host}:{port}"
                  for index, (host, port) in enumerate(self.backends)]
        (self.folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        return [HAPROXY, "-db", "-f", str(self.folder / "haproxy.cfg")]

    @staticmethod
    def version():
        said = subprocess.run([HAPROXY, "-v"], capture_output=True, text=True, check=True)
        return said.stdout.split()[2]


class Nginx(Peer):
    """nginx's stream module, one worker."""

    name = "nginx"
    CONFIG = """\
load_module {module};
user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections {descriptors}; }}
stream {{
  upstream backends {{
    {upstream_method}{servers}
  }}
  server {{
    listen 127.0.0.1:{port} backlog={backlog};
    proxy_pass backends;
    proxy_connect_timeout 1s;
    proxy_timeout 1h;
    proxy_half_close on;
  }}
}}
"""

    def command(self):
        servers = "\n    ".join(f"server {host}:{port};" for host, port in self.backends)
        text = self.CONFIG.format(
            module=NGINX_MODULE, descriptors=2 * CONNECTIONS_MAX + 100, folder=self.folder,
            upstream_method="random;\n    " if len(self.backends) > 1 else "", servers=servers,
            port=self.port, backlog=BACKLOG)
        (self.folder / "nginx.conf").write_text(text)
        return [NGINX, "-e", "stderr", "-p", str(self.folder), "-c",
                str(self.folder / "nginx.conf")]

    def wait_ready(self):
        # The master listens before the worker exists.
        super().wait_ready()
        eventually(lambda: len(self.pids) == 2, 10, "nginx's worker")
        return self

    @staticmethod
    def version():
        said = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True)
        return said.stderr.strip().rpartition("/")[2]
