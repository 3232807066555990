"""The instance metadata service, version 2 with the version 1 fallback."""

import json
import secrets

from . import clock as clocks
from .credentials import document, expiration_text
from .service import ApiError, Service
from .wire import Reply

ROLES = "/latest/meta-data/iam/security-credentials/"
OPERATIONS = {"/latest/meta-data/placement/region": "GetRegion",
              "/latest/meta-data/placement/availability-zone": "GetAvailabilityZone",
              "/latest/dynamic/instance-identity/document": "GetInstanceIdentity",
              "/latest/meta-data/instance-id": "GetInstanceId"}
INSTANCE_ID = "i-0123456789abcdef0"
MAX_TOKENS = 1000


class Imds(Service):
    name = "imds"
    content_type = "text/plain"

    def __init__(self, world):
        super().__init__(world)
        self._tokens = {}  # token -> end of life on the fake's clock

    def forget_tokens(self):
        self._tokens.clear()

    def identify(self, request, exchange):
        path = request.path
        exchange.parameters = {"path": path}
        if path == "/latest/api/token":
            exchange.operation = "PutToken"
        elif path in (ROLES, ROLES[:-1]):
            exchange.operation = "GetRoleList"
        elif path.startswith(ROLES):
            exchange.operation = "GetRoleCredentials"
        elif path in OPERATIONS:
            exchange.operation = OPERATIONS[path]
        else:
            raise ApiError("404", "Not Found", 404)
        if request.method != ("PUT" if exchange.operation == "PutToken" else "GET"):
            raise ApiError("405", "Method Not Allowed", 405)

    def answer(self, request, exchange, plan):
        if exchange.operation == "PutToken":
            return self._put_token(request)
        self._check_token(request)
        zone = self.world.region + "a"
        if exchange.operation in ("GetRoleList", "GetRoleCredentials"):
            return self._role(request, exchange.operation)
        if exchange.operation == "GetInstanceIdentity":
            return self._json({"region": self.world.region, "availabilityZone": zone,
                               "accountId": self.world.account, "instanceId": INSTANCE_ID,
                               "version": "2017-09-30"})
        return self._text({"GetRegion": self.world.region, "GetAvailabilityZone": zone,
                           "GetInstanceId": INSTANCE_ID}[exchange.operation])

    def _put_token(self, request):
        knobs = self.world.settings["imds"]
        if knobs["put_hangs"]:  # a hop limit of 1 seen from behind a bridge
            reply = Reply()
            reply.stuck = True
            return reply
        if knobs["put_status"] is not None:
            raise ApiError(str(knobs["put_status"]), "as configured", knobs["put_status"])
        if request.values("x-forwarded-for"):
            raise ApiError("403", "Forbidden", 403)
        ttl = request.header("x-aws-ec2-metadata-token-ttl-seconds") or ""
        if not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            raise ApiError("400", "Bad Request", 400)
        token = secrets.token_urlsafe(40) + "=="
        while len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self.world.credentials.secrets.add(token)
        self._tokens[token] = self.world.clock.now() + int(ttl)
        reply = self._text(token)
        reply.headers["X-Aws-Ec2-Metadata-Token-Ttl-Seconds"] = ttl
        return reply

    def _check_token(self, request):
        given = request.values("x-aws-ec2-metadata-token")
        if not given and not self.world.settings["imds"]["require_token"]:
            return
        end = self._tokens.get(given[0]) if len(given) == 1 else None
        if end is None or end <= self.world.clock.now():
            raise ApiError("401", "Unauthorized", 401)

    def _role(self, request, operation):
        knobs = self.world.settings["imds"]
        if knobs["role"] is None:
            raise ApiError("404", "Not Found", 404)
        if operation == "GetRoleList":
            return self._text(knobs["role"])
        if request.path != ROLES + knobs["role"]:
            raise ApiError("404", "Not Found", 404)
        now = self.world.clock.now()
        if knobs["code"] != "Success":
            return self._json({"Code": knobs["code"], "LastUpdated": clocks.iso(now),
                               "Message": "no credentials can be had for the role"})
        credential = self.world.credentials.current("imds", knobs["lifetime_seconds"])
        text = expiration_text(knobs, credential, now)
        return self._json(document(credential, text, Code="Success", LastUpdated=clocks.iso(now),
                                   Type="AWS-HMAC"))

    def _text(self, text):
        return Reply(200, text.encode(), self.content_type)

    def _json(self, body):
        return Reply(200, json.dumps(body, indent=2).encode(), self.content_type)

    def error_reply(self, error):
        return Reply(error.status, error.message.encode(), self.content_type)
