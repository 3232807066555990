"""Answers every HTTP request on port 8080 with the id of the EC2 instance it runs on."""

import http.server
import os
import socket
import urllib.error
import urllib.request

METADATA = os.environ.get("METADATA_ENDPOINT", "http://169.254.169.254")


def ask(method, path, headers):
    request = urllib.request.Request(METADATA + path, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=2) as answer:
        return answer.read().decode()


def instance_id():
    """The instance id, or the container's host name where the metadata service is out of reach
    (a bridge container needs a hop limit of 2 on its instance)."""
    try:
        token = ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        return ask("GET", "/latest/meta-data/instance-id", {"X-aws-ec2-metadata-token": token})
    except OSError as problem:
        print(f"no instance metadata ({problem}), answering with the host name", flush=True)
        return socket.gethostname()


class Handler(http.server.BaseHTTPRequestHandler):
    identity = ""

    def do_GET(self):
        body = self.identity.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass  # one line per request would drown the rest


if __name__ == "__main__":
    address = os.environ.get("ADDRESS", "0.0.0.0"), int(os.environ.get("PORT", "8080"))
    Handler.identity = instance_id()
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()
