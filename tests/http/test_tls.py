"""TLS against a local AWS: what the kite trusts, and what it says when it does not."""

import os
import pathlib
import subprocess

import pytest
from fake_aws.client import FakeAws, bridge_task, instance

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = (ROOT / os.environ.get("KITE_BINARY", "build/ecs-task-kite")).resolve()
pytestmark = pytest.mark.skipif(not BINARY.exists(), reason=f"{BINARY} is not built: make all")


def certificate(folder, name, alternative_names):
    """A self-signed certificate and its key; returns their paths."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative_names}",
                    "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return {"local": certificate(folder, "local", "DNS:localhost,IP:127.0.0.1"),
            "foreign": certificate(folder, "foreign", "DNS:other.test")}


@pytest.fixture
def tls_aws(request, certificates):
    """A local AWS whose API listeners show the certificate named by the parameter."""
    cert, key = certificates[request.param]
    with FakeAws(tls_cert=cert, tls_key=key) as aws:
        host = aws.put_instance(instance("127.0.0.2"))
        aws.put_task(bridge_task("default", "web", 7, "app", [(18080, 32771)], host))
        yield aws


class Running:
    """A kite that is told to end, and then its log."""

    def __init__(self, env):
        self._process = subprocess.Popen(
            [str(BINARY), "-name=app", "-family=web", "-bind=127.0.0.1", "-poll=1s-1s"],
            env={"PATH": "/usr/bin:/bin", **env}, stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)

    def end(self):
        self._process.terminate()
        return self._process.communicate(timeout=20)[1]

    def read_until(self, part):
        for line in self._process.stderr:
            if part in line:
                return line
        return ""


@pytest.mark.parametrize("tls_aws", ["local"], indirect=True)
def test_a_trusted_certificate_is_enough_and_connections_are_kept(tls_aws, certificates):
    kite = Running({**tls_aws.env(), "AWS_CA_BUNDLE": str(certificates["local"][0])})
    try:
        tls_aws.wait_until(lambda: tls_aws.count("ecs", "ListTasks", "ok") >= 5)
        ecs = tls_aws.calls()["listeners"]["ecs"]
    finally:
        log = kite.end()
    assert tls_aws.count("ec2", "DescribeInstances", "ok") >= 1
    assert ecs["connections"] <= 2 < ecs["requests"], "handshakes are not paid for every poll"
    assert "level=error" not in log


@pytest.mark.parametrize("tls_aws, bundle, reason", [
    ("local", "foreign", "self-signed certificate"),
    ("local", None, "self-signed certificate"),
    ("foreign", "foreign", "does not match|no alternative certificate subject name"),
], indirect=["tls_aws"])
def test_any_other_certificate_ends_the_exchange(tls_aws, certificates, bundle, reason):
    env = tls_aws.env()
    if bundle:
        env["AWS_CA_BUNDLE"] = str(certificates[bundle][0])
    kite = Running(env)
    try:
        line = kite.read_until("certificate of 127.0.0.1")
    finally:
        kite.end()
    assert any(part in line for part in reason.split("|")), line
    assert "AWS_CA_BUNDLE" in line
    if bundle:
        assert env["AWS_CA_BUNDLE"] in line
    assert tls_aws.calls()["listeners"]["ecs"]["requests"] == 0, "nothing was sent before trust"


@pytest.mark.parametrize("tls_aws", ["local"], indirect=True)
def test_a_missing_bundle_is_named(tls_aws):
    kite = Running({**tls_aws.env(), "AWS_CA_BUNDLE": "/nonexistent/bundle.pem"})
    try:
        line = kite.read_until("/nonexistent/bundle.pem")
    finally:
        kite.end()
    assert "cannot read the CA bundle /nonexistent/bundle.pem" in line
