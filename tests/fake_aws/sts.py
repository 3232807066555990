"""STS: AssumeRole, signed by somebody known, and AssumeRoleWithWebIdentity, which shows a token."""

import re
import uuid

from . import clock as clocks
from . import sigv4
from .ec2 import parse_form
from .service import ApiError, SignedService
from .wire import Reply
from .xml_out import PROLOG, element

VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
SKEW_SECONDS = 900  # wider than the other services'
COMMON = {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"}
PARAMETERS = {"AssumeRole": COMMON | {"ExternalId"},
              "AssumeRoleWithWebIdentity": COMMON | {"WebIdentityToken"}}
ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[!-~]{1,512}")
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


def invalid(message):
    return ApiError("ValidationError", message)


class Sts(SignedService):
    name = prefix = "sts"
    content_type = "text/xml"
    refusals = {"missing": ("MissingAuthenticationToken", 403),
                "incomplete": ("IncompleteSignature", 400),
                "key": ("InvalidClientTokenId", 403), "token": ("InvalidClientTokenId", 403),
                "expired": ("ExpiredToken", 403)}

    def identify(self, request, exchange):
        form = (request.header("content-type") or "").partition(";")[0].strip()
        try:
            pairs = parse_form(request.body)
        except ValueError:
            raise ApiError("MalformedQueryString", "The query string is malformed") from None
        parameters = dict(pairs)
        action = parameters.get("Action")
        if request.method != "POST" or not self.check_path(request) or (
                form != "application/x-www-form-urlencoded"):
            raise ApiError("MissingAction", "The request must contain the parameter Action")
        if action not in PARAMETERS or parameters.get("Version") != VERSION:
            raise ApiError("InvalidAction", f"Could not find operation {action} for version "
                                            f"{parameters.get('Version')}")
        exchange.operation = action
        exchange.parameters = {key: value for key, value in parameters.items()
                               if key != "WebIdentityToken"}
        if len(parameters) != len(pairs):
            raise invalid("A parameter is given more than once.")

    def authenticate(self, request, exchange):
        if exchange.operation == "AssumeRole":
            return super().authenticate(request, exchange)
        if request.header("authorization") is not None:
            raise ApiError("fake:signed", "AssumeRoleWithWebIdentity is not signed")
        return None

    def verify(self, request):
        return sigv4.verify(request, self.prefix, self.world.region, self.world.clock.now(),
                            self.world.credentials.find, SKEW_SECONDS)

    def refusal(self, refused):
        if refused.kind in self.refusals:
            return super().refusal(refused)
        return ApiError("SignatureDoesNotMatch", str(refused), 403)

    def answer(self, request, exchange, plan):
        self.admit(exchange.operation)
        parameters, knobs = dict(parse_form(request.body)), self.world.settings["sts"]
        unknown = set(parameters) - PARAMETERS[exchange.operation]
        if unknown:
            raise invalid(f"Unknown parameters: {', '.join(sorted(unknown))}")
        role = parameters.get("RoleArn", "")
        if not ROLE_ARN.fullmatch(role):
            raise invalid(f"{role} is invalid")
        if not SESSION_NAME.fullmatch(parameters.get("RoleSessionName", "")):
            raise invalid("1 validation error detected: Value at 'roleSessionName' failed to "
                          "satisfy constraint")
        lifetime = self._lifetime(parameters, knobs)
        if exchange.operation == "AssumeRole":
            self._check_caller(exchange, parameters, knobs)
        else:
            self._check_token(parameters.get("WebIdentityToken", ""), knobs)
        if knobs["roles"] is not None and role not in knobs["roles"]:
            raise self._denied(f"Not authorized to perform sts:{exchange.operation}")
        expires = self.world.clock.now() + lifetime
        made = self.world.credentials.issue("sts " + role, expires)
        return self._reply(exchange.operation, role, parameters["RoleSessionName"], made)

    def _lifetime(self, parameters, knobs):
        text = parameters.get("DurationSeconds", "3600")
        if not text.isdigit() or not 900 <= int(text) <= 43200:
            raise invalid("Value at 'durationSeconds' failed to satisfy constraint")
        return knobs["lifetime_seconds"] or int(text)

    def _check_caller(self, exchange, parameters, knobs):
        given = parameters.get("ExternalId")
        if given is not None and not EXTERNAL_ID.fullmatch(given):
            raise invalid("Value at 'externalId' failed to satisfy constraint")
        if knobs["external_id"] is not None and given != knobs["external_id"]:
            raise self._denied(f"User: {exchange.access_key} is not authorized to perform: "
                               f"sts:AssumeRole on resource: {parameters['RoleArn']}")

    def _check_token(self, token, knobs):
        self.world.credentials.secrets.add(token)
        if not 4 <= len(token) <= 20000:
            raise invalid("Value at 'webIdentityToken' failed to satisfy constraint")
        if token in knobs["expired_tokens"]:
            raise ApiError("ExpiredTokenException", "Token expired: current date/time must be "
                                                    "before the expiration date/time")
        if token not in knobs["tokens"]:
            raise ApiError("InvalidIdentityToken",
                           "No OpenIDConnect provider found in your account for https://oidc.test")

    def _reply(self, action, role, session, made):
        root = f"{action}Response"
        result = {"AssumedRoleUser": {"Arn": role.replace(":iam:", ":sts:").replace(
            ":role/", ":assumed-role/") + "/" + session, "AssumedRoleId": "AROAEXAMPLE:" + session},
            "Credentials": {"AccessKeyId": made.access_key, "SecretAccessKey": made.secret,
                            "SessionToken": made.token, "Expiration": clocks.iso(made.expires)}}
        text = (f'<{root} xmlns="{NAMESPACE}">' + element(f"{action}Result", result) +
                element("ResponseMetadata", {"RequestId": str(uuid.uuid4())}) + f"</{root}>")
        return Reply(200, text.encode(), self.content_type)

    def error_reply(self, error):
        text = (PROLOG + f'<ErrorResponse xmlns="{NAMESPACE}">' +
                element("Error", {"Type": "Sender", "Code": error.code, "Message": error.message}) +
                element("RequestId", str(uuid.uuid4())) + "</ErrorResponse>")
        return Reply(error.status, text.encode(), self.content_type)

    def padded(self):
        return b"<AssumeRoleResponse><padding>", b"</padding></AssumeRoleResponse>"

    def throttled(self):
        return ApiError("Throttling", "Rate exceeded", 400)

    def not_allowed(self, user, action):
        return self._denied(f"User: {user} is not authorized to perform: {action}")

    def _denied(self, message):
        return ApiError("AccessDenied", message, 403)
