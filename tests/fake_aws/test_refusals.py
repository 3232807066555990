"""Each check the fake makes is provoked once by a request that is right in everything else."""

import json
import pathlib
import shutil
import subprocess

import pytest
from botocore.auth import SigV4Auth

from . import clock as clocks
from . import sigv4
from .builders import STATIC_ACCESS_KEY, STATIC_SECRET
from .raw_client import (FORM_TYPE, JSON_TYPE, TARGET, ec2_call, ec2_headers, ecs_call, ecs_headers,
                         send, send_raw, signed)

LIST = b'{"cluster":"default"}'
INSTANCES = b"Action=DescribeInstances&Version=2016-11-15&MaxResults=5"
VECTORS = pathlib.Path(__file__).resolve().parent.parent / "data/sigv4-test-suite/v4"


def test_a_good_request_is_accepted(aws):
    answer = send(aws.ecs_url, ecs_headers(aws.ecs_url, LIST), LIST)
    assert (answer.status, answer.json) == (200, {"taskArns": []})
    assert answer.headers["x-amzn-RequestId"] and answer.headers["Date"]
    answer = send(aws.ec2_url, ec2_headers(aws.ec2_url, INSTANCES), INSTANCES)
    assert (answer.status, answer.code) == (200, None)
    assert b"<reservationSet/>" in answer.body


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_signs_what_the_fake_accepts(aws):
    """A second signer that shares nothing with botocore."""
    def curl(service, url, body, *headers):
        command = ["curl", "-sS", "--noproxy", "*",
                   "--aws-sigv4", f"aws:amz:{aws.region}:{service}",
                   "-u", f"{STATIC_ACCESS_KEY}:{STATIC_SECRET}", "-d", body, url + "/"]
        for header in headers:
            command += ["-H", header]
        return subprocess.run(command, capture_output=True, timeout=30, check=True).stdout
    target = f"X-Amz-Target: {TARGET}ListTasks"
    assert json.loads(curl("ecs", aws.ecs_url, "{}", f"Content-Type: {JSON_TYPE}", target)) == {
        "taskArns": []}
    assert b"<reservationSet/>" in curl("ec2", aws.ec2_url, INSTANCES, f"Content-Type: {FORM_TYPE}")


@pytest.mark.parametrize("target", ["ListTasks", "AmazonEC2ContainerServiceV20141113.NoSuch",
                                    "AmazonEC2ContainerServiceV20141112.ListTasks", ""])
def test_unknown_targets(aws, target):
    headers = signed(aws.ecs_url, "ecs", {"Content-Type": JSON_TYPE, "X-Amz-Target": target}, LIST)
    assert send(aws.ecs_url, headers, LIST).code == "UnknownOperationException"


def test_shape_of_ecs_requests(aws):
    url = aws.ecs_url
    headers = signed(url, "ecs", {"Content-Type": "application/json",
                                  "X-Amz-Target": TARGET + "ListTasks"}, LIST)
    assert send(url, headers, LIST).code == "UnknownOperationException"
    assert send(url, ecs_headers(url, LIST, path="/x"), LIST,
                path="/x").code == "UnknownOperationException"
    assert send(url, ecs_headers(url, LIST, method="PUT"), LIST,
                method="PUT").code == "UnknownOperationException"
    for body in (b"", b"[]", b"{", b'"x"', b"\xff", b'{"cluster":7}', b'{"maxResults":"7"}',
                 b'{"maxResults":true}', b'{"family":["x"]}'):
        assert send(url, ecs_headers(url, body), body).code == "SerializationException", body


@pytest.mark.parametrize("body, code", [
    (b"Action=DescribeVpcs&Version=2016-11-15", "InvalidAction"),
    (b"Action=DescribeInstances&Version=2014-01-01", "InvalidAction"),
    (b"Action=DescribeInstances", "InvalidAction"),
    (b"Version=2016-11-15", "MissingAction"),
    (b"", "MissingAction"),
    (b"Action=DescribeInstances&Version=2016-11-15&Wrong=1", "UnknownParameter"),
    (b"Action=DescribeInstances&Version=2016-11-15&InstanceId.0=i-01234567", "UnknownParameter"),
    (b"Action=DescribeInstances&Version=2016-11-15&Version=2016-11-15", "InvalidParameterValue")])
def test_shape_of_ec2_requests(aws, body, code):
    answer = send(aws.ec2_url, ec2_headers(aws.ec2_url, body), body)
    assert (answer.status, answer.code) == (400, code)


def without(headers, name):
    return {key: value for key, value in headers.items() if key != name}


def test_missing_authorization(aws):
    headers = without(ecs_headers(aws.ecs_url, LIST), "Authorization")
    assert send(aws.ecs_url, headers, LIST).code == "MissingAuthenticationTokenException"
    answer = send(aws.ec2_url, without(ec2_headers(aws.ec2_url, INSTANCES), "Authorization"),
                  INSTANCES)
    assert (answer.status, answer.code) == (401, "AuthFailure")


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
    lambda text: text.replace("Signature=", "Signatur="),
    lambda text: text.replace("SignedHeaders=", "Headers="),
    lambda text: text.replace("Credential=", "Cred="),
    lambda text: text.replace("/aws4_request", ""),
    lambda text: "Bearer abc",
    lambda text: [text, text]])
def test_incomplete_authorization(aws, spoil):
    headers = ecs_headers(aws.ecs_url, LIST)
    headers["Authorization"] = spoil(headers["Authorization"])
    assert send(aws.ecs_url, headers, LIST).code == "IncompleteSignatureException"


def test_incomplete_date(aws):
    good = ecs_headers(aws.ecs_url, LIST)
    for date in ("20260102", "2026-01-02T03:04:05Z", "20261302T030405Z"):
        answer = send(aws.ecs_url, {**good, "X-Amz-Date": date}, LIST)
        assert answer.code == "IncompleteSignatureException"
    assert send(aws.ecs_url, without(good, "X-Amz-Date"),
                LIST).code == "IncompleteSignatureException"


class Unsorted(SigV4Auth):
    def signed_headers(self, headers_to_sign):
        return ";".join(sorted(super().signed_headers(headers_to_sign).split(";"), reverse=True))


class UpperCase(SigV4Auth):
    def signed_headers(self, headers_to_sign):
        return super().signed_headers(headers_to_sign).replace("host", "Host")


def leaving_out(name):
    class Signer(SigV4Auth):
        def headers_to_sign(self, request):
            headers = super().headers_to_sign(request)
            del headers[name]
            return headers
    return Signer


@pytest.mark.parametrize("signer", [Unsorted, UpperCase, leaving_out("host"),
                                    leaving_out("x-amz-date"), leaving_out("x-amz-target")])
def test_signed_headers(aws, signer):
    headers = ecs_headers(aws.ecs_url, LIST, signer=signer)
    answer = send(aws.ecs_url, headers, LIST)
    assert answer.code == "InvalidSignatureException"
    assert "igned" in answer.json["message"]


def test_an_added_amz_header_must_be_signed(aws):
    headers = {**ecs_headers(aws.ecs_url, LIST), "X-Amz-Extra": "1"}
    assert send(aws.ecs_url, headers, LIST).code == "InvalidSignatureException"
    headers = {**ecs_headers(aws.ecs_url, LIST), "X-Extra": "1"}
    assert send(aws.ecs_url, headers, LIST).code is None


class OtherEnd(SigV4Auth):
    def scope(self, request):
        return super().scope(request).replace("aws4_request", "aws5_request")


class OtherDay(SigV4Auth):
    def scope(self, request):
        day = request.context["timestamp"][:8]
        return super().scope(request).replace(day, "20200101")


@pytest.mark.parametrize("options", [{"region": "us-east-1"}, {"service": "ec2"},
                                     {"signer": OtherEnd}, {"signer": OtherDay}])
def test_scope(aws, options):
    answer = send(aws.ecs_url, ecs_headers(aws.ecs_url, LIST, **options), LIST)
    assert answer.code == "InvalidSignatureException"
    assert "scope" in answer.json["message"]
    options = {**options, "service": "ecs"} if "service" in options else options
    answer = send(aws.ec2_url, ec2_headers(aws.ec2_url, INSTANCES, **options), INSTANCES)
    assert (answer.status, answer.code) == (401, "AuthFailure")


@pytest.mark.parametrize("offset, words", [(310, "Signature expired: "),
                                           (-310, "Signature not yet current: ")])
def test_clock_skew(aws, offset, words):
    aws.set_clock(offset)
    answer = send(aws.ecs_url, ecs_headers(aws.ecs_url, LIST), LIST)
    assert answer.code == "InvalidSignatureException"
    assert answer.json["message"].startswith(words) and "5 min.)" in answer.json["message"]
    answer = send(aws.ec2_url, ec2_headers(aws.ec2_url, INSTANCES), INSTANCES)
    assert (answer.status, answer.code) == (401, "AuthFailure")
    aws.set_clock(290 if offset > 0 else -290)
    assert send(aws.ecs_url, ecs_headers(aws.ecs_url, LIST), LIST).code is None


def test_keys_and_tokens(aws):
    aws.set_credentials({"access_key": "AKIDEXAMPLE", "secret": "s"},
                        {"access_key": "ASIATOKEN", "secret": "s", "token": "t=="},
                        {"access_key": "ASIAOLD", "secret": "s", "token": "t", "expires": 1000})

    def codes(**options):
        return (send(aws.ecs_url, ecs_headers(aws.ecs_url, LIST, **options), LIST).code,
                send(aws.ec2_url, ec2_headers(aws.ec2_url, INSTANCES, **options), INSTANCES).code)

    unknown, wrong = "UnrecognizedClientException", "InvalidSignatureException"
    assert codes(secret="s") == (None, None)
    assert codes(secret="other") == (wrong, "AuthFailure")
    assert codes(access_key="AKIDNOBODY") == (unknown, "AuthFailure")
    assert codes(access_key="ASIATOKEN", secret="s", token="t==") == (None, None)
    assert codes(access_key="ASIATOKEN", secret="s") == (unknown, "AuthFailure")
    assert codes(access_key="ASIATOKEN", secret="s", token="u") == (unknown, "AuthFailure")
    assert codes(secret="s", token="t") == (unknown, "AuthFailure")
    assert codes(access_key="ASIAOLD", secret="s", token="t") == ("ExpiredTokenException",
                                                                  "RequestExpired")


def test_every_signed_byte_counts(aws):
    url, good = aws.ecs_url, ecs_headers(aws.ecs_url, LIST)
    assert send(url, good, LIST + b" ").code == "InvalidSignatureException"
    assert send(url, {**good, "Host": "ecs.eu-west-1.amazonaws.com"},
                LIST).code == "InvalidSignatureException"
    assert send(url, {**good, "Content-Type": JSON_TYPE + "; charset=utf-8"},
                LIST).code == "InvalidSignatureException"
    spaced = {**good, "Content-Type": f"  {JSON_TYPE}\t "}  # the canonical form trims
    assert send(url, spaced, LIST).code is None
    lower = {name.lower(): value for name, value in good.items()}
    assert send(url, lower, LIST).code is None
    last = good["Authorization"][-1]
    spoilt = {**good, "Authorization": good["Authorization"][:-1] + ("0" if last != "0" else "1")}
    assert send(url, spoilt, LIST).code == "InvalidSignatureException"
    body_hash = {"Content-Type": JSON_TYPE, "X-Amz-Target": TARGET + "ListTasks",
                 "X-Amz-Content-SHA256": "0" * 64}
    assert send(url, signed(url, "ecs", body_hash, LIST), LIST).code == "InvalidSignatureException"


def test_shape_is_judged_before_signature_and_signature_before_meaning(aws):
    url = aws.ecs_url
    headers = without(ecs_headers(url, b"[]"), "Authorization")
    assert send(url, headers, b"[]").code == "SerializationException"
    body = b'{"cluster":"none"}'
    headers = ecs_headers(url, body, secret="wrong")
    assert send(url, headers, body).code == "InvalidSignatureException"
    assert ecs_call(url, "ListTasks", {"cluster": "none"}).code == "ClusterNotFoundException"


def test_path_prefix(aws):
    aws.set_path_prefix("/aws/ecs")
    headers = ecs_headers(aws.ecs_url, LIST, path="/aws/ecs/")
    assert send(aws.ecs_url, headers, LIST, path="/aws/ecs/").code is None
    assert send(aws.ecs_url, ecs_headers(aws.ecs_url, LIST), LIST).code is not None


@pytest.mark.parametrize("data", [
    b"POST / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", b"POST /\r\n\r\n", b"x\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\nX: " + b"x" * 70000])
def test_broken_http_is_refused_and_the_fake_lives_on(aws, data):
    assert send_raw(aws.ecs_url, data).status == 400
    assert ecs_call(aws.ecs_url, "ListTasks", {}).status == 200


def test_deny_and_throttle(aws):
    aws.deny("ecs:ListTasks", "ec2:*")
    answer = ecs_call(aws.ecs_url, "ListTasks", {})
    assert (answer.status, answer.code) == (400, "AccessDeniedException")
    assert "is not authorized to perform: ecs:ListTasks" in answer.json["Message"]
    answer = ec2_call(aws.ec2_url, {"Action": "DescribeInstances"})
    assert (answer.status, answer.code) == (403, "UnauthorizedOperation")
    aws.deny()
    assert ec2_call(aws.ec2_url, {"Action": "DescribeInstances", "DryRun": "true"}).status == 412
    aws.set_throttle({"ecs": {"burst": 3, "rate": 0}, "ec2": {"burst": 1, "rate": 0}})
    codes = [ecs_call(aws.ecs_url, operation, parameters).code for operation, parameters in (
        ("ListTasks", {}), ("DescribeTasks", {"tasks": ["f" * 32]}),
        ("DescribeContainerInstances", {"containerInstances": ["f" * 32]}), ("ListTasks", {}),
        ("DescribeTaskDefinition", {"taskDefinition": "a:1"}))]
    assert codes == [None, None, None, "ThrottlingException", "ClientException"]
    answers = [ec2_call(aws.ec2_url, {"Action": "Describe" + what, "MaxResults": "5"})
               for what in ("Instances", "Instances", "NetworkInterfaces")]
    assert [answer.status for answer in answers] == [200, 503, 200]
    assert answers[1].code == "RequestLimitExceeded"


def parse_vector(text):
    head, _, body = text.partition(b"\n\n")
    lines = head.strip(b"\n").split(b"\n")
    method, _, rest = lines[0].partition(b" ")
    headers = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t"):
            headers[-1] = (headers[-1][0], headers[-1][1] + b"\n" + line)
        else:
            name, _, value = line.partition(b":")
            headers.append((name, value))
    return method.decode(), rest.rpartition(b" ")[0], headers, body


def test_the_verifier_reproduces_every_published_vector():
    cases = sorted(VECTORS.iterdir())
    assert len(cases) >= 25
    for case in cases:
        context = json.loads((case / "context.json").read_text())
        method, target, headers, body = parse_vector((case / "request.txt").read_bytes())
        amz_date = clocks.basic(clocks.parse_expiry(context["timestamp"].replace("Z", "+00:00")))
        headers.append((b"X-Amz-Date", amz_date.encode()))
        if context["sign_body"]:
            digest = sigv4.hashlib.sha256(body).hexdigest()
            headers.append((b"x-amz-content-sha256", digest.encode()))
        token = context["credentials"].get("token")
        if token and not context.get("omit_session_token"):
            headers.append((b"X-Amz-Security-Token", token.encode()))
        names = sorted({name.decode().lower() for name, _ in headers})
        canonical = sigv4.canonical_request(method, target, headers, names, body,
                                            context["normalize"])
        expected = (case / "header-canonical-request.txt").read_bytes()
        assert canonical.encode("latin-1") == expected, case.name
        region, service = context["region"], context["service"]
        text = sigv4.string_to_sign(amz_date, f"{amz_date[:8]}/{region}/{service}/aws4_request",
                                    canonical)
        assert text == (case / "header-string-to-sign.txt").read_text(), case.name
        signature = sigv4.signature_of(context["credentials"]["secret_access_key"], amz_date[:8],
                                       region, service, text)
        assert signature == (case / "header-signature.txt").read_text().strip(), case.name


def test_nothing_secret_is_logged(aws):
    ecs_call(aws.ecs_url, "ListTasks", {"cluster": "default"})
    ec2_call(aws.ec2_url, {"Action": "DescribeInstances", "MaxResults": "5"})
    text = json.dumps(aws.log())
    assert STATIC_ACCESS_KEY in text and FORM_TYPE not in text
    assert "Signature" not in text and "wJalr" not in text
