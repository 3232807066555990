"""Gigabytes through the kite, checked byte by byte on arrival and compared by hash at both ends."""

import json
import subprocess

import pytest
from waiting import patience

BYTES_EACH_WAY = 2_000_000_000


class TrafficServer:
    """`traffic serve` on several addresses; its report is read when it is told to end."""

    def __init__(self, tool, hosts, records):
        self.records = records
        self._process = subprocess.Popen(
            [tool, "serve", *[f"-at={host}:0" for host in hosts], f"-records={records}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        listening = json.loads(self._process.stdout.readline())["listening"]
        self.addresses = [(host, int(port)) for host, port in
                          (text.rsplit(":", 1) for text in listening)]

    def finish(self):
        """(exit status, report)."""
        report = self._process.communicate(timeout=30)[0]
        return self._process.returncode, json.loads(report)

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def traffic_server(traffic_tool, tmp_path):
    server = TrafficServer(traffic_tool, ["127.0.0.2", "127.0.0.3", "127.0.0.4"],
                           tmp_path / "server")
    yield server
    server.kill()


def drive(tool, port, records, *options, limit=120):
    done = subprocess.run(
        [tool, "drive", f"-at=127.0.0.1:{port}", f"-records={records}", f"-time-limit={limit}",
         *options], stdout=subprocess.PIPE, text=True, timeout=limit + 30)
    return done.returncode, json.loads(done.stdout)


def read_records(path):
    """id -> (outcome, sent bytes and hash, received bytes and hash)."""
    found = {}
    for line in path.read_text().splitlines():
        number, outcome, _, _, *stream = line.split()
        found[int(number)] = (outcome, tuple(stream[:2]), tuple(stream[2:]))
    return found


def compare(clients, servers):
    """Every whole connection has the same bytes at both ends, crosswise. Returns how many."""
    whole = 0
    for number, (outcome, sent, received) in clients.items():
        if outcome != "complete":
            continue
        assert servers[number] == ("complete", received, sent), number
        whole += 1
    return whole


@pytest.mark.long
def test_two_gigabytes_each_way_and_not_one_byte_wrong(
        scenario, start_kite, port, traffic_tool, traffic_server, tmp_path):
    for host, backend_port in traffic_server.addresses:
        scenario.bridge_at(port, host, backend_port)
    kite = start_kite().wait_listening(port)
    status, client = drive(
        traffic_tool, port, tmp_path / "client", f"-bytes-each-way={BYTES_EACH_WAY}",
        "-connections=600", "-seed=20260102", limit=int(60 * patience()))
    kite.wait_quiet()
    server_status, server = traffic_server.finish()
    print(client, server, f"kite: {kite.cpu_seconds():.1f} s CPU, {kite.rss_kib()} KiB")
    assert (status, server_status) == (0, 0), (client, server)
    assert client["complete_sent_bytes"] >= BYTES_EACH_WAY
    assert client["complete_received_bytes"] >= BYTES_EACH_WAY
    # Every kind of ending took part.
    for kind in ("answered_late", "reset_sent", "reset_seen"):
        assert client[kind] > 0, kind
    whole = compare(read_records(tmp_path / "client"), read_records(tmp_path / "server"))
    assert whole == client["complete"] == server["complete"]
    assert kite.rss_kib() < 64 * 1024 * patience() ** 2


@pytest.mark.long
def test_many_short_connections_with_every_kind_of_ending(
        scenario, start_kite, port, traffic_tool, traffic_server, tmp_path):
    for host, backend_port in traffic_server.addresses:
        scenario.bridge_at(port, host, backend_port)
    kite = start_kite().wait_listening(port)
    status, client = drive(
        traffic_tool, port, tmp_path / "client", "-connections=6000", "-size-max=20000",
        "-resets=30", "-late=30", "-crumbs=20", "-slow=5", "-parallel=200", "-seed=7")
    kite.wait_quiet()
    server_status, server = traffic_server.finish()
    assert (status, server_status) == (0, 0), (client, server)
    assert client["connections"] == 6000
    assert min(client["reset_sent"], client["reset_seen"], client["answered_late"]) > 500, client
    assert compare(read_records(tmp_path / "client"), read_records(tmp_path / "server")) > 3000
