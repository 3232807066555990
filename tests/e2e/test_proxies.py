"""Calls to AWS through an HTTP proxy; what serves this host alone never meets it."""

import urllib.parse

import pytest
from fake_aws.client import FakeAws, bridge_task, instance

from forward_proxy import ForwardProxy
from test_tls import certificate, said
from waiting import eventually

NAME = "aws.kite.test"  # known to the proxy alone


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"), "proxied", f"DNS:{NAME}")


def filled(aws):
    host = aws.put_instance(instance("127.0.0.2"))
    aws.put_task(bridge_task("default", "web", 7, "app", [(18082, 32771)], host))
    return aws


def named(url):
    """The same place under the name that only the proxy knows."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{NAME}:{parts.port}"


def environment(aws, **more):
    env = aws.env("container")
    return {**env, "AWS_ENDPOINT_URL_ECS": named(aws.ecs_url),
            "AWS_ENDPOINT_URL_EC2": named(aws.ec2_url), **more}


def good_calls(aws):
    return aws.count("ecs", "ListTasks", "ok") > 2 and aws.count("ec2", "DescribeInstances", "ok")


def test_tls_goes_through_a_tunnel_with_a_login_and_credentials_do_not(pair, start_kite):
    with FakeAws(tls_cert=pair[0], tls_key=pair[1]) as aws, ForwardProxy("me:pass-word") as proxy:
        env = environment(filled(aws), HTTPS_PROXY=proxy.url(), HTTP_PROXY=proxy.url(),
                          AWS_CA_BUNDLE=str(pair[0]))
        kite = start_kite(env=env)
        eventually(lambda: good_calls(aws), 20, "calls through the proxy")
        places = {("CONNECT", urllib.parse.urlsplit(url).netloc, True)
                  for url in (env["AWS_ENDPOINT_URL_ECS"], env["AWS_ENDPOINT_URL_EC2"])}
        assert set(proxy.asked) == places
        assert aws.connections("ecs") <= 2 < aws.count("ecs"), "tunnels are kept"
        assert aws.count("metadata", "GetContainerCredentials") == 1
        assert "pass-word" not in kite.log_text()
        kite.stop()


def test_plain_requests_are_given_to_the_proxy_whole(aws, start_kite):
    with ForwardProxy() as proxy:
        env = environment(filled(aws), HTTP_PROXY=f"127.0.0.1:{proxy.port}")
        kite = start_kite(env=env)
        eventually(lambda: good_calls(aws), 20, "calls through the proxy")
        assert {method for method, _, _ in proxy.asked} == {"POST"}
        kite.stop()


def test_a_proxy_that_refuses_is_named_without_its_password(pair, start_kite):
    with FakeAws(tls_cert=pair[0], tls_key=pair[1]) as aws, ForwardProxy("me:right") as proxy:
        wrong = proxy.url().replace("right", "wrong-one")
        kite = start_kite(env=environment(filled(aws), https_proxy=wrong))
        line = said(kite, "answers HTTP 407 to CONNECT")
        assert f"127.0.0.1:{proxy.port} (https_proxy)" in line
        assert "wrong-one" not in kite.log_text()
        assert aws.count("ecs") == 0
        kite.stop()


def test_exceptions_are_asked_directly(scenario, start_kite, port):
    scenario.bridge(port)
    with ForwardProxy() as proxy:
        env = {**scenario.aws.env("container"), "HTTP_PROXY": proxy.url(), "NO_PROXY": ""}
        start_kite(env=env).wait_listening(port)
        assert not proxy.asked, "loopback is never a proxy's affair"
