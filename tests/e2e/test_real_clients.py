"""Programs that people really use, through the kite: curl, Redis, PostgreSQL, OpenSSH."""

import contextlib
import getpass
import hashlib
import http.server
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import threading

import pytest
from waiting import eventually, patience

LIMIT = 60 * patience()


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=LIMIT,
                          **options)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def needs(*programs):
    missing = [program for program in programs if find(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def find(program):
    """On the path, in sbin, or where Debian keeps PostgreSQL's server programs."""
    places = [os.environ.get("PATH", ""), "/usr/sbin",
              *map(str, sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin")))]
    return shutil.which(program, path=":".join(places))


@contextlib.contextmanager
def daemon(*command, **options):
    """A server in the foreground, ended on exit."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_accepting(host, port, timeout=20):
    def accepts():
        with socket.socket() as probe:
            return probe.connect_ex((host, port)) == 0
    eventually(accepts, timeout, f"{host}:{port} accepting")


# -- HTTP -----------------------------------------------------------------------------------------

class HttpHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        size = int(self.path.strip("/") or 0)
        self._answer(hashlib.sha256(self.path.encode()).digest() * (size // 32))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(hashlib.sha256(body).hexdigest().encode())

    def log_message(self, *_):
        pass


class HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512  # the default of 5 drops connects of its own accord


@pytest.fixture
def http_backends(scenario, port):
    servers = []
    for host in ("127.0.0.2", "127.0.0.3"):
        server = HttpServer((host, 0), HttpHandler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        scenario.bridge_at(port, host, server.server_address[1])
    yield
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join(10)


@needs("curl")
def test_curl_gets_and_puts(http_backends, start_kite, port, tmp_path):
    start_kite().wait_listening(port)
    url = f"http://127.0.0.1:{port}"
    for size in (0, 32, 3200, 3_200_000):
        body = run("curl", "-sS", "-f", f"{url}/{size}")
        assert body == hashlib.sha256(f"/{size}".encode()).digest() * (size // 32)
    upload = tmp_path / "upload"
    upload.write_bytes(os.urandom(20_000_000))
    digest = run("curl", "-sS", "-f", "-T", upload, f"{url}/upload")
    assert digest.decode() == hashlib.sha256(upload.read_bytes()).hexdigest()


@needs("curl")
def test_curl_reuses_a_connection_and_runs_many_side_by_side(http_backends, start_kite, port):
    start_kite().wait_listening(port)
    url = f"http://127.0.0.1:{port}"
    said = run("curl", "-sS", "-f", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n",
               f"{url}/[320-329]").decode().split("\n")
    assert [line.split() for line in said[:10]] == [["200", "1"]] + [["200", "0"]] * 9
    run("curl", "-sS", "-f", "--parallel", "--parallel-max", "50", "-o", "/dev/null",
        f"{url}/[32000-32199]")


# -- Redis ----------------------------------------------------------------------------------------

@needs("redis-server", "redis-benchmark", "redis-cli")
def test_redis_benchmark(scenario, start_kite, port, tmp_path):
    with contextlib.ExitStack() as stack:
        for host in ("127.0.0.2", "127.0.0.3"):
            folder = tmp_path / host
            folder.mkdir()
            stack.enter_context(daemon("redis-server", "--bind", host, "--port", port, "--save", "",
                                       "--dir", folder))
            wait_accepting(host, port)
            scenario.bridge_at(port, host, port)
        start_kite().wait_listening(port)
        through = ("-h", "127.0.0.1", "-p", port)
        assert run("redis-cli", *through, "ping").strip() == b"PONG"
        for options in (["-n", 20000, "-c", 50, "-t", "set,get,lrange_100"],
                        ["-n", 100000, "-c", 20, "-P", 32, "-t", "set,get"],
                        ["-n", 2000, "-c", 20, "-d", 100000, "-t", "set,get"],
                        ["-n", 3000, "-c", 20, "-k", 0, "-t", "get"]):
            report = run("redis-benchmark", *through, "--csv", *options).decode()
            assert '"GET"' in report, report
            assert "error" not in report.lower(), report


# -- PostgreSQL -----------------------------------------------------------------------------------

class Postgres:
    """A database of its own in a temporary folder; PostgreSQL refuses to run as root."""

    def __init__(self, folder, host, port):
        self.user, self.prefix = getpass.getuser(), []
        if os.geteuid() == 0:
            self.user = "postgres" if has_user("postgres") else "nobody"
            self.prefix = ["setpriv", f"--reuid={self.user}",
                           f"--regid={pwd.getpwnam(self.user).pw_gid}", "--clear-groups"]
            entry = pwd.getpwnam(self.user)
            for parent in (folder, *folder.parents):
                if parent != pathlib.Path("/") and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
            folder.mkdir(exist_ok=True)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        self._data, self._host, self._port = folder / "data", host, port
        run(*self.prefix, find("initdb"), "-D", self._data, "-U", "tester", "-A", "trust",
            "--no-sync", cwd="/")

    def serving(self):
        return daemon(*self.prefix, find("postgres"), "-D", self._data, "-h", self._host, "-p",
                      self._port, "-k", "", "-c", "fsync=off", "-c", "max_connections=60", cwd="/")


def has_user(name):
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


@needs("initdb", "postgres", "psql", "pgbench")
def test_pgbench_against_postgresql(scenario, start_kite, port, tmp_path):
    folder = tmp_path / "pg"
    folder.mkdir()
    server = Postgres(folder, "127.0.0.2", port)
    with server.serving():
        wait_accepting("127.0.0.2", port)
        scenario.bridge_at(port, "127.0.0.2", port)
        start_kite().wait_listening(port)
        through = ("-h", "127.0.0.1", "-p", str(port), "-U", "tester")
        eventually(lambda: subprocess.run(
            [find("psql"), *through, "-c", "select 1", "postgres"],
            capture_output=True).returncode == 0, 20, "a first answer")
        big = run(find("psql"), *through, "-At", "-c", "select repeat('kite', 1000000)", "postgres")
        assert big == b"kite" * 1000000 + b"\n"
        run(find("pgbench"), *through, "-i", "-q", "-s", "1", "postgres")
        report = run(find("pgbench"), *through, "-n", "-c", "8", "-j", "2", "-t", "100",
                     "postgres").decode()
        assert "number of transactions actually processed: 800/800" in report, report
        assert "number of failed transactions: 0" in report, report
        # A new connection for every transaction.
        report = run(find("pgbench"), *through, "-n", "-S", "-C", "-c", "4", "-t", "25",
                     "postgres").decode()
        assert "number of transactions actually processed: 100/100" in report, report


# -- OpenSSH --------------------------------------------------------------------------------------

def sshd_config(folder, host, port):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host_key")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "user_key")
    (folder / "authorized_keys").write_text((folder / "user_key.pub").read_text())
    config = folder / "sshd_config"
    config.write_text("\n".join([
        f"ListenAddress {host}:{port}", f"HostKey {folder}/host_key", "UsePAM no",
        f"AuthorizedKeysFile {folder}/authorized_keys", "StrictModes no", "PidFile none",
        "PasswordAuthentication no", "PermitRootLogin prohibit-password", "PrintMotd no", ""]))
    return config


@needs("ssh", "sshd", "ssh-keygen")
def test_ssh_a_server_that_speaks_first(scenario, start_kite, port, tmp_path):
    if os.geteuid() == 0:
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's own demand as root
    config = sshd_config(tmp_path, "127.0.0.2", port)
    with daemon(find("sshd"), "-D", "-f", config):
        wait_accepting("127.0.0.2", port)
        scenario.bridge_at(port, "127.0.0.2", port)
        start_kite().wait_listening(port)
        ssh = ["ssh", "-F", "none", "-p", port, "-i", tmp_path / "user_key", "-o", "BatchMode=yes",
               "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/known",
               "-o", "LogLevel=ERROR", f"{getpass.getuser()}@127.0.0.1"]
        assert run(*ssh, "echo through the kite").strip() == b"through the kite"
        data = os.urandom(8_000_000)
        assert run(*ssh, "cat", input=data) == data
        assert run(*ssh, "sha256sum", input=data).split()[0].decode() == \
            hashlib.sha256(data).hexdigest()
