"""Hand-made requests for the fake's own tests, signed by botocore and then spoilt at will."""

import http.client
import json
import socket
import urllib.parse
import xml.etree.ElementTree as ElementTree

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .builders import REGION, STATIC_ACCESS_KEY, STATIC_SECRET

TARGET = "AmazonEC2ContainerServiceV20141113."
JSON_TYPE = "application/x-amz-json-1.1"
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"


class Answer:
    """A response: status, headers, body, and the AWS error code in it (None without one)."""

    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = response.headers

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        if self.body.startswith(b"<"):
            found = ElementTree.fromstring(self.body).findtext(".//Code")
            return found
        return json.loads(self.body)["__type"].rpartition("#")[2] if self.status != 200 else None


def signed(url, service, headers, body, signer=SigV4Auth, access_key=STATIC_ACCESS_KEY,
           secret=STATIC_SECRET, token=None, region=REGION, method="POST", path="/"):
    """The headers of a good request, as a dict that a test may then spoil."""
    request = AWSRequest(method, url + path, dict(headers), body)
    signer(Credentials(access_key, secret, token), service, region).add_auth(request)
    host = urllib.parse.urlsplit(url).netloc
    return {"Host": host, **dict(request.headers.items())}


def ecs_headers(url, body, operation="ListTasks", **options):
    headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": TARGET + operation}
    return signed(url, options.pop("service", "ecs"), headers, body, **options)


def ec2_headers(url, body, **options):
    return signed(url, options.pop("service", "ec2"), {"Content-Type": FORM_TYPE}, body, **options)


def send_raw(url, data):
    """Sends bytes on a fresh connection and reads one response."""
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(data)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response)


def send(url, headers, body, method="POST", path="/"):
    """Sends exactly these headers (name to value, or to a list of values) and a true length."""
    lines = [f"{method} {path} HTTP/1.1"]
    for name, value in headers.items():
        lines += [f"{name}: {each}" for each in (value if isinstance(value, list) else [value])]
    lines.append(f"Content-Length: {len(body)}")
    return send_raw(url, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def ecs_call(url, operation, parameters, **options):
    body = json.dumps(parameters).encode()
    return send(url, ecs_headers(url, body, operation, **options), body)


def ec2_call(url, parameters, **options):
    whole = {"Version": "2016-11-15", **parameters}
    body = urllib.parse.urlencode(whole, quote_via=urllib.parse.quote).encode()
    return send(url, ec2_headers(url, body, **options), body)
