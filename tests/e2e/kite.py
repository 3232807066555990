"""The real program under test: started with flags and an environment, watched, ended, judged."""

import contextlib
import fcntl
import http.client
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import threading

from procfs import Census, cpu_seconds, rss_kib, threads, voluntary_switches
from waiting import eventually, patience

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A pool may keep this many idle pipes; a leak of pipes is more than that.
POOLED_PIPE_ENDS_MAX = 2 * 64
PAGES = ("/", "/metrics", "/backends", "/readyz", "/healthz")
BAD_LEVELS = ("error", "fatal", "panic")
SANITIZER = re.compile(r"(Address|Leak|UndefinedBehavior)Sanitizer|runtime error:|KITE_CHECK")


def binary():
    """The program named by KITE_BINARY, as an absolute path."""
    return str((ROOT / os.environ.get("KITE_BINARY", "build/ecs-task-kite")).resolve())


def parse_line(line):
    """A key=value log line as a dict; a line of another form gives {}."""
    try:
        pairs = [word.partition("=") for word in shlex.split(line)]
    except ValueError:
        return {}
    return {key: value for key, equals, value in pairs if equals}


class Kite:
    """One running kite.

    `flags` as on the command line; `env` the whole environment (nothing of ours is inherited, so no
    credentials or proxies of the machine interfere); `api_ports` tell API sockets from tunnels;
    `nofile` is the hard and soft descriptor limit. `expected_levels` may be set to log levels that
    are no fault in this test. `pass_fds` stay open in the program. With `deaf` nobody reads the
    log, which has room for one page, until the program has ended.
    """

    def __init__(self, flags, env, api_ports=(), prefix=(), nofile=None,
                 deaf=False, pass_fds=()):
        self.flags, self.api_ports = list(flags), tuple(api_ports)
        self.expected_levels = set()
        self.exit_code = None
        if os.geteuid() != 0:
            # What is not dumpable hides its descriptors from everybody but root.
            env = {"KITE_SANDBOX": "off", **env}
        self.env, self.pages = env, []
        self._lines, self._output, self._lock = [], [], threading.Lock()

        def limit():
            if nofile is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))

        self._process = subprocess.Popen(
            [*prefix, binary(), *self.flags], env={"PATH": "/usr/bin:/bin", **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=limit, pass_fds=pass_fds)
        self._readers = [threading.Thread(target=self._collect, args=(stream, kept), daemon=True)
                         for stream, kept in ((self._process.stderr, self._lines),
                                              (self._process.stdout, self._output))]
        self.baseline = None
        if deaf:
            fcntl.fcntl(self._process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        else:
            self._start_readers()

    pid = property(lambda self: self._process.pid)

    def _start_readers(self):
        for reader in self._readers:
            if not reader.ident:
                reader.start()

    def _collect(self, stream, kept):
        for raw in stream:
            with self._lock:
                kept.append(raw.decode(errors="replace").rstrip("\n"))

    # -- log ------------------------------------------------------------------------------------

    def lines(self, **wanted):
        """Log lines so far whose fields equal (or, for a pattern, match) what is wanted."""
        with self._lock:
            lines = list(self._lines)
        if not wanted:
            return lines

        def fits(fields, key, value):
            have = fields.get(key, "")
            return value.search(have) if isinstance(value, re.Pattern) else have == value

        parsed = map(parse_line, lines)
        return [fields for fields in parsed if all(fits(fields, *pair) for pair in wanted.items())]

    def log_text(self):
        return "\n".join(self.lines())

    def output(self):
        """What it wrote to stdout."""
        with self._lock:
            return "\n".join(self._output)

    def look_at_pages(self):
        """Keeps all pages, if there is an address to ask, for whoever looks for what they may not
        show."""
        found = [flag for flag in self.flags if re.match(r"-admin=([\d.]+|\[::1\]):\d+$", flag)]
        for path in PAGES if found else ():
            connection = http.client.HTTPConnection(found[-1].partition("=")[2], timeout=20)
            with contextlib.closing(connection), contextlib.suppress(OSError):
                connection.request("GET", path)
                self.pages.append(connection.getresponse().read().decode(errors="replace"))

    # -- state ----------------------------------------------------------------------------------

    def alive(self):
        return self._process.poll() is None

    def census(self):
        return Census(self.pid, self.api_ports)

    def listeners(self):
        return self.census().listeners

    def listening_ports(self):
        return {port for _, port in self.listeners()}

    def threads(self):
        return threads(self.pid)

    def rss_kib(self):
        return rss_kib(self.pid)

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def voluntary_switches(self):
        return voluntary_switches(self.pid)

    def wait_listening(self, *ports, timeout=10.0):
        """Until all `ports` are listened on; remembers the census as the one to return to."""
        def all_there():
            assert self.alive(), f"the kite ended: {self._process.returncode}\n{self.log_text()}"
            return self.listening_ports() >= set(ports)
        eventually(all_there, timeout, f"listening on {ports}; log:\n{self.log_text()}")
        if self.baseline is None:
            self.baseline = self.census()
        return self

    def wait_not_listening(self, port, timeout=10.0):
        eventually(lambda: port not in self.listening_ports(), timeout, f"port {port} closed")

    # -- end ------------------------------------------------------------------------------------

    def send_signal(self, number):
        self._process.send_signal(number)

    def wait(self, timeout=10.0):
        """Exit code of a kite that ends by itself or was told to."""
        self.exit_code = self._process.wait(timeout * patience())
        self._start_readers()
        for reader in self._readers:
            reader.join(5)
        self._process.stdout.close()
        self._process.stderr.close()
        return self.exit_code

    def stop(self, number=signal.SIGTERM, timeout=10.0):
        self.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        if self.exit_code is None:
            self._process.kill()
            self.wait()

    def wait_quiet(self, timeout=10.0):
        """Until no tunnel is left; asserts that nothing else grew since wait_listening()."""
        eventually(lambda: self.census().tunnels == 0, timeout,
                   f"a census without tunnels; is {self.census()}")
        census = self.census()
        assert census.pipes <= POOLED_PIPE_ENDS_MAX, census
        if self.baseline is not None:
            assert census.other == self.baseline.other, (self.baseline, census)

    def judge(self):
        """The end of every test: still there or gone as asked, nothing leaked, nothing cried about.

        The test must have closed its own connections.
        """
        try:
            if self.exit_code is None:
                assert self.alive(), f"the kite ended by itself: {self._process.returncode}"
                self.wait_quiet()
                self.look_at_pages()
                code = self.stop()
                assert code == 0, f"exit code {code} after SIGTERM"
        finally:
            self.kill()
        bad = [line for line in self.lines() if SANITIZER.search(line)]
        assert not bad, "\n".join(bad)
        for line in self.lines():
            level = parse_line(line).get("level")
            assert level not in BAD_LEVELS or level in self.expected_levels, line
