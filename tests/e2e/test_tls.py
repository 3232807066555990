"""TLS against a local AWS: what the kite trusts, and what it says when it does not."""

import re
import subprocess

import pytest
from fake_aws.client import FakeAws, bridge_task, instance

from waiting import eventually, free_port


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
def aws(request, certificates):
    """A local AWS whose API listeners show the certificate named by the parameter."""
    cert, key = certificates[request.param]
    with FakeAws(tls_cert=cert, tls_key=key) as made:
        host = made.put_instance(instance("127.0.0.2"))
        made.put_task(bridge_task("default", "web", 7, "app", [(free_port(), 32771)], host))
        yield made


def said(kite, pattern):
    """The first log line with `pattern` in it, once there is one."""
    return eventually(lambda: next(filter(re.compile(pattern).search, kite.lines()), None), 20,
                      f"a line with {pattern}")


@pytest.mark.parametrize("aws", ["local"], indirect=True)
def test_a_trusted_certificate_is_enough_and_connections_are_kept(aws, certificates, start_kite):
    start_kite(env={**aws.env(), "AWS_CA_BUNDLE": str(certificates["local"][0])})
    aws.wait_until(lambda: aws.count("ecs", "ListTasks", "ok") >= 5)
    ecs = aws.calls()["listeners"]["ecs"]
    assert aws.count("ec2", "DescribeInstances", "ok") >= 1
    assert ecs["connections"] <= 2 < ecs["requests"], "handshakes are not paid for every poll"


@pytest.mark.parametrize("aws", ["local"], indirect=True)
def test_the_profile_may_name_the_bundle(aws, certificates, start_kite, tmp_path):
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {certificates['local'][0]}\n")
    start_kite(env={**aws.env(), "AWS_CONFIG_FILE": str(tmp_path / "config")})
    aws.wait_until(lambda: aws.count("ecs", "ListTasks", "ok") >= 1)


@pytest.mark.parametrize("aws, bundle, reason", [
    ("local", "foreign", "self-signed certificate"),
    ("local", None, "self-signed certificate"),
    ("foreign", "foreign", "does not match|no alternative certificate subject name"),
], indirect=["aws"])
def test_any_other_certificate_ends_the_exchange(aws, certificates, bundle, reason, start_kite):
    given = {"AWS_CA_BUNDLE": str(certificates[bundle][0])} if bundle else {}
    kite = start_kite(env={**aws.env(), **given})
    line = said(kite, "certificate of 127.0.0.1")
    assert re.search(reason, line)
    assert "AWS_CA_BUNDLE" in line
    assert given.get("AWS_CA_BUNDLE", "") in line
    assert aws.calls()["listeners"]["ecs"]["requests"] == 0, "nothing was sent before trust"


@pytest.mark.parametrize("aws", ["local"], indirect=True)
def test_a_missing_bundle_is_named(aws, start_kite):
    kite = start_kite(env={**aws.env(), "AWS_CA_BUNDLE": "/nonexistent/bundle.pem"})
    said(kite, "cannot read the CA bundle /nonexistent/bundle.pem")


@pytest.mark.parametrize("aws", ["local"], indirect=True)
def test_a_bundle_that_is_put_right_needs_no_restart(aws, certificates, start_kite, tmp_path):
    bundle, right = tmp_path / "bundle.pem", tmp_path / "right.pem"
    bundle.write_bytes(b"# no certificate yet\n")
    right.write_bytes(b"".join(certificates[name][0].read_bytes() for name in ("foreign", "local")))
    kite = start_kite(env={**aws.env(), "AWS_CA_BUNDLE": str(bundle)})
    said(kite, "cannot read the CA bundle .*it holds no certificate")
    right.rename(bundle)
    aws.wait_until(lambda: aws.count("ecs", "ListTasks", "ok") >= 2)
