"""The steps every request of the four services goes through, and what AWS API errors are."""

import sys
import traceback

from . import faults, sigv4
from .wire import Reply

HUGE_PIECE = b"x" * 65536
HTML_PAGE = b"<!DOCTYPE html><html><head><title>Oops</title></head><body>It broke.</body></html>"
GARBAGE = b"\x00\xff\xfe{]<\x01not an answer&&\x80"


class ApiError(Exception):
    """An error an AWS service answers. `options`: in_header and type, see the fault `error`."""

    def __init__(self, code, message, status=400, options=None):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.options = options or {}


class Exchange:
    """What is known of one request, for counters and log."""

    __slots__ = ("service", "operation", "parameters", "access_key", "connection")

    def __init__(self, service, connection):
        self.service, self.connection = service, connection
        self.operation, self.parameters, self.access_key = "?", None, None


class Service:
    """Base of the four. A subclass names the operation, authenticates, answers and words errors."""

    name = ""
    content_type = "application/json"

    def __init__(self, world):
        self.world = world

    def identify(self, request, exchange):
        """Sets exchange.operation and .parameters or raises ApiError."""
        raise NotImplementedError

    def authenticate(self, request, exchange):
        """Raises ApiError if the caller is nobody."""

    def answer(self, request, exchange, plan):
        """The normal reply."""
        raise NotImplementedError

    def error_reply(self, error):
        raise NotImplementedError

    def padded(self):
        """(head, tail) of a well-formed body of any size."""
        return b'{"padding":"', b'"}'

    def handle(self, request):
        counters = self.world.counters
        counters.begin(self.name)
        exchange = Exchange(self.name, request.connection.id)
        plan, error = {}, None
        try:
            self.identify(request, exchange)
            self.authenticate(request, exchange)
            plan = self.world.faults.plan(self.name, exchange.operation, request.path)
            reply = self._ending(plan) or self.answer(request, exchange, plan)
            error = faults.name_of(plan)
        except ApiError as problem:
            reply, error = self.error_reply(problem), problem.code
        except Exception:  # a bug of the fake must fail the test, not hang it
            traceback.print_exc(file=sys.stderr)
            reply, error = Reply(500, b"bug in fake_aws", "text/plain"), "fake:bug"
        if plan:
            faults.apply_transport(plan, reply)
        if error is None and reply.status >= 400:
            error = str(reply.status)
        counters.decide(exchange, None if reply.stuck or reply.reset else reply.status, error)
        reply.on_done = self._ended
        return reply

    def _ended(self):
        self.world.counters.end(self.name)

    def _ending(self, plan):
        """The reply of an ending fault, None if there is none."""
        if "error" in plan:
            spec = plan["error"]
            raise ApiError(spec["code"], spec.get("message", ""), spec.get("status", 400), spec)
        if plan.get("stuck") or plan.get("reset") or plan.get("empty_body"):
            return Reply(200, b"", self.content_type)
        if plan.get("garbage"):
            return Reply(200, GARBAGE, self.content_type)
        if plan.get("html"):
            return Reply(plan.get("status", 200), HTML_PAGE, "text/html")
        if "status" in plan:
            return Reply(plan["status"], plan.get("body", "").encode(),
                         plan.get("content_type", self.content_type))
        if plan.get("huge"):
            reply = Reply(200, b"", self.content_type)
            reply.stream = self._huge(plan["huge"])
            return reply
        return None

    def _huge(self, size):
        head, tail = self.padded()
        whole, rest = divmod(size, len(HUGE_PIECE))

        def pieces():
            yield head
            for _ in range(whole):
                yield HUGE_PIECE
            yield HUGE_PIECE[:rest]
            yield tail
        return len(head) + size + len(tail), pieces()


class SignedService(Service):
    """ECS and EC2: signature, throttle and permissions before the operation itself."""

    prefix = ""  # of IAM actions, and the name in the credential scope
    refusals = {}  # kind of sigv4.Refused -> (code, status) in this service's words

    def authenticate(self, request, exchange):
        try:
            exchange.access_key = self.verify(request)
        except sigv4.Refused as refused:
            raise self.refusal(refused) from None

    def verify(self, request):
        """The access key of a good signature; raises sigv4.Refused."""
        world = self.world
        return sigv4.verify(request, self.prefix, world.region, world.clock.now(),
                            world.credentials.find)

    def refusal(self, refused):
        code, status = self.refusals[refused.kind]
        return ApiError(code, str(refused), status)

    def check_path(self, request):
        prefix = self.world.path_prefix
        target = request.target.decode("latin-1")
        return target == prefix + "/" or (prefix != "" and target == prefix)

    def admit(self, operation):
        """Throttle, then permission; the subclass words both."""
        if not self.world.throttle.allows(self.name, operation):
            raise self.throttled()
        action = f"{self.prefix}:{operation}"
        if not self.world.denied.isdisjoint((action, self.prefix + ":*", "*")):
            user = f"arn:aws:sts::{self.world.account}:assumed-role/kite-task-role/0123456789abcdef"
            raise self.not_allowed(user, action)

    def throttled(self):
        raise NotImplementedError

    def not_allowed(self, user, action):
        raise NotImplementedError
