"""Random ECS and EC2 requests are signed as botocore signs them, stage by stage."""

import datetime
import json
import os
import pathlib
import random
import string
import subprocess
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = os.environ.get("KITE_SIGN_TOOL", str(ROOT / "build" / "release" / "sign-tool"))
REQUESTS = 400
REGIONS = ["eu-west-1", "us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-3",
           "eusc-de-east-1"]
HOSTS = ["{service}.{region}.amazonaws.com", "localhost", "127.0.0.1", "[::1]", "API.Example.COM",
         "vpce-0a1b-x.{service}.{region}.vpce.amazonaws.com"]
PORTS = {"http": ["", ":80", ":443", ":4566"], "https": ["", ":443", ":80", ":8443"]}
PATHS = ["", "/", "/prefix", "/prefix/", "/two/levels", "/a//b/", "/~x_y-z.1", "/pct%20enc",
         "/a+b=c"]
QUERIES = ["", "", "", "b=2&a=1", "a=2&a=1&A", "k=%20x%2By&empty=", "%C3%A9=1&z=~"]


def text(rng, low, high, alphabet=string.ascii_letters + string.digits + "+/="):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


def ecs_parts(rng):
    operation = rng.choice(["ListTasks", "DescribeTasks", "DescribeContainerInstances",
                            "DescribeTaskDefinition"])
    body = {"cluster": text(rng, 1, 60, string.ascii_letters + "-_é漢\"\\ "),
            "tasks": [text(rng, 32, 80) for _ in range(rng.randint(0, 100))],
            "nextToken": text(rng, 0, 300)}
    return [["Content-Type", "application/x-amz-json-1.1"],
            ["X-Amz-Target", "AmazonEC2ContainerServiceV20141113." + operation]], json.dumps(
                body, ensure_ascii=rng.random() < 0.5)


def ec2_parts(rng):
    pairs = [("Action", rng.choice(["DescribeInstances", "DescribeNetworkInterfaces"])),
             ("Version", "2016-11-15"), ("Filter.1.Name", "instance-id")]
    pairs += [(f"Filter.1.Value.{i + 1}", "i-" + text(rng, 17, 17, string.hexdigits))
              for i in range(rng.randint(1, 200))]
    body = urllib.parse.urlencode(pairs + [("NextToken", text(rng, 1, 200))],
                                  quote_via=urllib.parse.quote)
    return [["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"]], body


def random_order(rng):
    service = rng.choice(["ecs", "ec2"])
    region = rng.choice(REGIONS)
    scheme = rng.choice(["http", "https"])
    host = rng.choice(HOSTS).format(service=service, region=region)
    headers, body = (ecs_parts if service == "ecs" else ec2_parts)(rng)
    if rng.random() < 0.3:
        headers.append(["X-Amz-Odd", "  two  blanks \t and tab  "])
    if rng.random() < 0.3:
        headers.append(["User-Agent", "never/signed"])
    moment = datetime.datetime(1999, 1, 1) + datetime.timedelta(seconds=rng.randint(0, 3 * 10**9))
    return {"url": scheme + "://" + host + rng.choice(PORTS[scheme]) + rng.choice(PATHS),
            "query": rng.choice(QUERIES), "headers": headers, "body": body, "region": region,
            "service": service, "timestamp": moment.strftime("%Y%m%dT%H%M%SZ"),
            "access_key": text(rng, 16, 24, string.ascii_uppercase + string.digits),
            "secret": text(rng, 40, 40), "token": text(rng, 100, 800) if rng.random() < 0.6 else ""}


def botocore_answer(order, monkeypatch):
    moment = datetime.datetime.strptime(order["timestamp"], "%Y%m%dT%H%M%SZ")

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

    monkeypatch.setattr(botocore.auth.datetime, "datetime", Frozen)
    url = order["url"] + ("?" + order["query"] if order["query"] else "")
    request = botocore.awsrequest.AWSRequest("POST", url, data=order["body"].encode())
    for name, value in order["headers"]:
        request.headers[name] = value
    keys = botocore.credentials.Credentials(order["access_key"], order["secret"],
                                            order["token"] or None)
    auth = botocore.auth.SigV4Auth(keys, order["service"], order["region"])
    auth.add_auth(request)
    authorization = request.headers["Authorization"]
    del request.headers["Authorization"]  # signed requests do not sign their signature
    canonical = auth.canonical_request(request)
    return {"canonical_request": canonical,
            "string_to_sign": auth.string_to_sign(request, canonical),
            "authorization": authorization}


def sign_all(orders):
    lines = "".join(json.dumps(order) + "\n" for order in orders)
    run = subprocess.run([TOOL], input=lines, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.skipif(not os.path.exists(TOOL), reason=f"{TOOL} is not built")
def test_random_requests_are_signed_as_botocore_signs_them(monkeypatch):
    seed = int(os.environ.get("KITE_SEED", random.SystemRandom().randrange(2**32)))
    print(f"KITE_SEED={seed} repeats this run")
    rng = random.Random(seed)
    orders = [random_order(rng) for _ in range(REQUESTS)]
    answers = sign_all(orders)
    assert len(answers) == REQUESTS
    for order, answer in zip(orders, answers):
        wanted = botocore_answer(order, monkeypatch)
        for stage in ("canonical_request", "string_to_sign", "authorization"):
            assert answer.get(stage) == wanted[stage], (stage, order["url"], order["query"])
    assert {order["service"] for order in orders} == {"ecs", "ec2"}
