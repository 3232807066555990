"""AWS JSON 1.1, the protocol that ECS and Cloud Map share: X-Amz-Target, a JSON object each way."""

import json

from . import faults
from .service import ApiError, SignedService
from .wire import Reply

CORAL = "com.amazon.coral.service#"  # the framework's errors carry it, modelled ones do not
TEXT, NUMBER, TEXTS, TEXT_MAP = "a string", "an integer", "a list of strings", "a map of strings"


def fits(value, kind):
    if kind == TEXT:
        return isinstance(value, str)
    if kind == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == TEXT_MAP:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


class JsonService(SignedService):
    """A subclass has `target_prefix`, `members` (operation -> its parameters) and `_operations`."""

    content_type = "application/x-amz-json-1.1"
    target_prefix, members = "", {}
    refusals = {"missing": (CORAL + "MissingAuthenticationTokenException", 400),
                "incomplete": (CORAL + "IncompleteSignatureException", 400),
                "headers": (CORAL + "InvalidSignatureException", 400),
                "scope": (CORAL + "InvalidSignatureException", 400),
                "skew": (CORAL + "InvalidSignatureException", 400),
                "key": (CORAL + "UnrecognizedClientException", 400),
                "token": (CORAL + "UnrecognizedClientException", 400),
                "expired": (CORAL + "ExpiredTokenException", 400),
                "signature": (CORAL + "InvalidSignatureException", 400)}

    def __init__(self, world):
        super().__init__(world)
        self._operations = {}

    def identify(self, request, exchange):
        targets = request.values("x-amz-target")
        target = targets[0] if len(targets) == 1 else ""
        known = target.startswith(self.target_prefix)
        operation = target[len(self.target_prefix):] if known else ""
        good = request.method == "POST" and self.check_path(request)
        if not good or operation not in self.members:
            raise ApiError(CORAL + "UnknownOperationException", "")
        exchange.operation = operation
        content_type = (request.header("content-type") or "").partition(";")[0].strip()
        if content_type != self.content_type:
            raise ApiError(CORAL + "UnknownOperationException", "")
        try:
            parameters = json.loads(request.body.decode("utf-8"))
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            raise ApiError(CORAL + "SerializationException", "The body is not a JSON object.")
        self._check_members(operation, parameters)
        exchange.parameters = parameters

    def _check_members(self, operation, parameters):
        known = self.members[operation]
        for name in [name for name, value in parameters.items() if value is None]:
            del parameters[name]  # null means absent
        for name, value in parameters.items():
            if name not in known:  # ignored by AWS, shown to the test
                self.world.counters.unknown_member(f"{operation}.{name}")
            elif not fits(value, known[name]):
                raise ApiError(CORAL + "SerializationException", f"{name} must be {known[name]}.")

    def answer(self, request, exchange, plan):
        self.admit(exchange.operation)
        result = self._operations[exchange.operation](exchange.parameters)
        if faults.changes_members(plan):
            result = faults.change_members(plan, result)
        return Reply(200, json.dumps(result, separators=(",", ":")).encode(), self.content_type)

    def error_reply(self, error):
        key = "Message" if error.code == "AccessDeniedException" else "message"  # both are seen
        body = {"__type": error.options.get("type", error.code), key: error.message}
        headers = {}
        if error.options.get("in_header"):
            del body["__type"]
            headers["x-amzn-ErrorType"] = error.code
        error.code = error.code.rpartition("#")[2]  # counted by its bare name
        return Reply(error.status, json.dumps(body).encode(), self.content_type, headers)

    def not_allowed(self, user, action):
        return ApiError("AccessDeniedException",
                        f"User: {user} is not authorized to perform: {action} on resource: * "
                        f"because no identity-based policy allows the {action} action")
