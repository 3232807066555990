"""The shipped program in an empty root: names from a DNS server, HTTPS with a private authority."""

import os
import socket
import ssl
from ssl import TLSVersion

import issued
import pytest
import tls_front
from e2e.waiting import eventually, free_port
from fake_aws.client import FakeAws, bridge_task, instance
from name_server import NameServer
from scratch_root import ScratchRoot, lay_out

RESOLVER = "127.0.0.153"
NEW, OLD = TLSVersion.TLSv1_3, TLSVersion.TLSv1_2
# Without a group the server takes the client's first, X25519, which Python cannot name.
GOOD = [
    pytest.param(issued.RSA, NEW, None, None, id="1.3-rsa-x25519"),
    pytest.param(issued.RSA, NEW, None, "prime256v1", id="1.3-rsa-p256"),
    pytest.param(issued.P256, NEW, None, "secp384r1", id="1.3-p256-p384"),
    pytest.param(issued.P384, NEW, None, "secp521r1", id="1.3-p384-p521"),
    pytest.param(issued.PSS, NEW, None, None, id="1.3-rsapss"),
    pytest.param(issued.RSA, OLD, "ECDHE-RSA-AES128-GCM-SHA256", None, id="1.2-aes128gcm"),
    pytest.param(issued.RSA, OLD, "ECDHE-RSA-AES256-GCM-SHA384", "prime256v1", id="1.2-aes256gcm"),
    pytest.param(issued.P256, OLD, "ECDHE-ECDSA-AES128-GCM-SHA256", None, id="1.2-ecdsa"),
    pytest.param(issued.RSA, OLD, "ECDHE-RSA-CHACHA20-POLY1305", None, id="1.2-chacha20"),
    pytest.param(issued.RSA, OLD, "ECDHE-RSA-AES128-SHA256", None, id="1.2-aes128cbc"),
    pytest.param(issued.RSA, OLD, "AES256-GCM-SHA384", None, id="1.2-rsa-key-exchange"),
]


@pytest.fixture(scope="module")
def names():
    if os.geteuid() != 0:
        pytest.skip("chroot and port 53 need root")
    with NameServer(RESOLVER, {name: "127.0.0.1" for name in issued.NAMES}) as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return issued.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def rsa(authority):
    return authority.issue("rsa")


@pytest.fixture
def scratch(tmp_path, program, runner, authority, names):
    return ScratchRoot(lay_out(tmp_path / "root", program, authority.bundle), RESOLVER, runner)


@pytest.fixture
def aws(backend):
    with FakeAws() as made:
        host = made.put_instance(instance("127.0.0.2"))
        made.container_port = free_port()
        made.put_task(bridge_task("default", "web", 7, "app", [(made.container_port, backend)],
                                  host))
        yield made


@pytest.fixture
def start(scratch, aws):
    """start(front, env): the kite in its root, told to call `front` by name."""
    started = []

    def begin(front, env=None):
        urls = {f"AWS_ENDPOINT_URL_{name.upper()}": f"https://{name}.kite.test:{port}"
                for name, port in (("ecs", front.port), ("ec2", front.ec2_port))}
        flags = ["-name=app", "-family=web", "-bind=127.0.0.1", "-poll=1s-1s"]
        started.append(scratch.start(flags, {**aws.env(), **urls, **(env or {})}))
        return started[-1]

    yield begin
    for kite in started:
        if kite.returncode is None:
            kite.end()


class Fronts:
    """TLS in front of both APIs of the fake."""

    def __init__(self, aws, settings):
        self._fronts = [tls_front.TlsFront(settings, int(url.rsplit(":", 1)[1].rstrip("/")))
                        for url in (aws.ecs_url, aws.ec2_url)]
        self.port, self.ec2_port = (front.port for front in self._fronts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for front in self._fronts:
            front.__exit__()


def greeting(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            return client.recv(100)
    except ConnectionRefusedError:
        return b""


def serves(kite, port):
    def answered():
        assert kite.poll() is None, kite.log()
        return greeting(port) == b"here\n"
    eventually(answered, 20, f"an answer; log:\n{kite.log()}", every=0.05)


def refuses(kite, aws, *words):
    """Until the log says why; nothing was asked of AWS then."""
    def said():
        assert kite.poll() is None, kite.log()
        return any(all(word in line for word in words) for line in list(kite.lines))
    eventually(said, 20, f"a line with {words}; the log:\n{kite.log()}", every=0.05)
    assert aws.count("ecs", "ListTasks") == 0


@pytest.mark.parametrize("key, version, ciphers, group", GOOD)
def test_serves_over(key, version, ciphers, group, authority, start, aws):
    settings = tls_front.context(*authority.issue("leaf", key), version, ciphers, group)
    with Fronts(aws, settings) as front:
        serves(start(front), aws.container_port)


def test_runs_as_anyone_in_one_thread_on_a_name_from_dns(start, aws, rsa, names, runner):
    names.asked.clear()
    with Fronts(aws, tls_front.context(*rsa)) as front:
        kite = start(front)
        serves(kite, aws.container_port)
        assert set(names.asked) == set(issued.NAMES)
        if runner is None:  # an emulator has threads of its own, and no seccomp
            assert kite.threads() == 1
            assert kite.status("Seccomp") == "2" and kite.status("NoNewPrivs") == "1"
            assert int(kite.status("CapEff"), 16) == 0
        assert not [line for line in kite.lines if "level=error" in line], kite.log()
        assert kite.end() == 0


def test_aws_ca_bundle_replaces_the_bundle_of_the_image(start, aws, scratch, rsa, tmp_path):
    other = issued.Authority(tmp_path / "other")
    (scratch.path / "other.pem").write_bytes(other.bundle.read_bytes())
    with Fronts(aws, tls_front.context(*other.issue("leaf"))) as front:
        serves(start(front, {"AWS_CA_BUNDLE": "/other.pem"}), aws.container_port)
    with Fronts(aws, tls_front.context(*rsa)) as front:
        aws.reset_calls()
        refuses(start(front, {"AWS_CA_BUNDLE": "/other.pem"}), aws, "not accepted", "/other.pem")


def test_refuses_a_certificate_of_an_unknown_authority(start, aws, tmp_path):
    unknown = issued.Authority(tmp_path / "unknown")
    with Fronts(aws, tls_front.context(*unknown.issue("leaf"))) as front:
        refuses(start(front), aws, "not accepted", "ca-certificates.crt")


def test_refuses_a_certificate_of_another_name(start, aws, authority):
    leaf = authority.issue("stranger", names=("ecs.kite.example",))
    with Fronts(aws, tls_front.context(*leaf)) as front:
        refuses(start(front), aws, "tls", "ecs.kite.test")


def test_refuses_a_certificate_that_has_expired(start, aws, authority):
    with Fronts(aws, tls_front.context(*authority.issue("old", days=-1))) as front:
        refuses(start(front), aws, "not accepted", "expired")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_refuses_tls_1_1(start, aws, rsa):
    settings = tls_front.context(*rsa, ciphers="ALL:@SECLEVEL=0")
    settings.options &= ~ssl.OP_NO_TLSv1_1
    settings.minimum_version = settings.maximum_version = TLSVersion.TLSv1_1
    with Fronts(aws, settings) as front:
        refuses(start(front), aws, "tls")


def test_says_which_ca_bundle_is_missing(start, aws, scratch, rsa):
    with Fronts(aws, tls_front.context(*rsa)) as front:
        refuses(start(front, {"AWS_CA_BUNDLE": "/nowhere.pem"}), aws, "/nowhere.pem")


def test_says_that_a_name_does_not_exist(start, aws, rsa):
    with Fronts(aws, tls_front.context(*rsa)) as front:
        url = f"https://nobody.kite.test:{front.port}"
        refuses(start(front, {"AWS_ENDPOINT_URL_ECS": url}), aws, "nobody.kite.test",
                "does not exist")
