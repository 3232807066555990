"""EC2: query protocol, XML answers, DescribeInstances and DescribeNetworkInterfaces."""

import fnmatch
import re
import urllib.parse
import uuid

from . import faults
from .paging import BadToken, cut_page
from .service import ApiError, SignedService
from .state import visible
from .wire import Reply
from .xml_out import DOCTYPE, PROLOG, element

VERSION = "2016-11-15"
NAMESPACE = f"http://ec2.amazonaws.com/doc/{VERSION}/"
MAX_FILTER_VALUES = 200
LIST_PARAMETER = re.compile(r"(\w+)\.([1-9]\d*)$")
FILTER_PARAMETER = re.compile(r"Filter\.([1-9]\d*)\.(Name|Value\.([1-9]\d*))$")
SHAPES = {  # operation: (kind of state, id parameter, word for it, form of ids, error, noun)
    "DescribeInstances": ("instances", "InstanceId", "instancesSet",
                          re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})"), "InvalidInstanceID",
                          "instance"),
    "DescribeNetworkInterfaces": ("enis", "NetworkInterfaceId", "networkInterfaceIdsSet",
                                  re.compile(r"eni-(?:[0-9a-f]{8}|[0-9a-f]{17})"),
                                  "InvalidNetworkInterfaceID", "networkInterface"),
}
FILTERS = {  # filter name -> values of a thing
    "DescribeInstances": {
        "instance-id": lambda i: [i.get("instanceId")],
        "instance-state-name": lambda i: [(i.get("instanceState") or {}).get("name")],
        "private-ip-address": lambda i: [i.get("privateIpAddress")],
        "ip-address": lambda i: [i.get("ipAddress")],
        "vpc-id": lambda i: [i.get("vpcId")],
        "availability-zone": lambda i: [(i.get("placement") or {}).get("availabilityZone")]},
    "DescribeNetworkInterfaces": {
        "network-interface-id": lambda e: [e.get("networkInterfaceId")],
        "private-ip-address": lambda e: [e.get("privateIpAddress")],
        "addresses.private-ip-address": lambda e: [
            a.get("privateIpAddress") for a in e.get("privateIpAddressesSet") or []],
        "vpc-id": lambda e: [e.get("vpcId")],
        "status": lambda e: [e.get("status")]},
}


def parse_form(body):
    """Name-value pairs of a form body; later duplicates are refused by the caller."""
    return urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True,
                                  strict_parsing=bool(body), max_num_fields=5000)


class Query:
    """The parameters of one call, sorted out and checked for form."""

    def __init__(self, operation, parameters):
        self.ids, self.filters, self.flags = {}, {}, {}
        for name, value in parameters.items():
            self._take(operation, name, value)
        self.ids = [self.ids[index] for index in sorted(self.ids)]
        self.filters = [self.filters[index] for index in sorted(self.filters)]

    def _take(self, operation, name, value):
        listed, filtered = LIST_PARAMETER.fullmatch(name), FILTER_PARAMETER.fullmatch(name)
        if filtered:
            entry = self.filters.setdefault(int(filtered[1]), {"name": None, "values": []})
            if filtered[2] == "Name":
                entry["name"] = value
            else:
                entry["values"].append(value)
        elif listed and listed[1] == SHAPES[operation][1]:
            self.ids[int(listed[2])] = value
        elif name in ("MaxResults", "NextToken", "DryRun", "IncludeManagedResources"):
            self.flags[name] = value
        elif name not in ("Action", "Version"):
            raise ApiError("UnknownParameter", f"The parameter {name} is not recognized")

    def max_results(self):
        text = self.flags.get("MaxResults")
        if text is None:
            return None
        if not text.isdigit() or not 5 <= int(text) <= 1000:
            raise ApiError("InvalidParameterValue", f"Value ( {text} ) for parameter maxResults is "
                                                    "invalid. Expecting 5 to 1000.")
        return int(text)


class Ec2(SignedService):
    name = prefix = "ec2"
    content_type = "text/xml;charset=UTF-8"
    refusals = {"incomplete": ("IncompleteSignature", 400), "expired": ("RequestExpired", 400)}

    def __init__(self, world):
        super().__init__(world)
        self._rendered = {}  # (kind, id) -> XML, good for one version of the kind
        self._rendered_versions = {}

    # -- protocol -------------------------------------------------------------------------------

    def identify(self, request, exchange):
        form = (request.header("content-type") or "").partition(";")[0].strip()
        try:
            pairs = parse_form(request.body)
        except ValueError:
            raise ApiError("MalformedQueryString", "The query string is malformed") from None
        parameters = dict(pairs)
        action = parameters.get("Action")
        if request.method != "POST" or not self.check_path(request) or action is None or (
                form != "application/x-www-form-urlencoded"):
            raise ApiError("MissingAction", "The request must contain the parameter Action")
        if action not in SHAPES or parameters.get("Version") != VERSION:
            raise ApiError("InvalidAction",
                           f"The action {action} is not valid for this web service.")
        exchange.operation, exchange.parameters = action, parameters
        if len(parameters) != len(pairs):
            raise ApiError("InvalidParameterValue", "A parameter is given more than once.")

    def refusal(self, refused):
        if refused.kind in self.refusals:
            return super().refusal(refused)
        return ApiError("AuthFailure",
                        "AWS was not able to validate the provided access credentials", 401)

    def answer(self, request, exchange, plan):
        self.admit(exchange.operation)
        query = Query(exchange.operation, exchange.parameters)
        ids, token = self._select(exchange.operation, query)
        kind = SHAPES[exchange.operation][0]
        if faults.changes_members(plan):
            inner = self._changed(exchange.operation, kind, ids, token, plan)
        else:
            inner = self._plain(exchange.operation, kind, ids, token)
        doctype, request_id = ("", str(uuid.uuid4()))
        if plan.get("doctype"):
            doctype, request_id = DOCTYPE, "&d;"
        root = exchange.operation + "Response"
        text = (f'{PROLOG}{doctype}<{root} xmlns="{NAMESPACE}"><requestId>{request_id}</requestId>'
                f"{inner}</{root}>")
        return Reply(200, text.encode(), self.content_type)

    def error_reply(self, error):
        text = (PROLOG + "<Response>" + element("Errors", {"Error": {
            "Code": error.code, "Message": error.message}}) +
            element("RequestID", str(uuid.uuid4())) + "</Response>")
        return Reply(error.status, text.encode(), self.content_type)

    def padded(self):
        root = "DescribeInstancesResponse"
        return (f'{PROLOG}<{root} xmlns="{NAMESPACE}"><requestId>1</requestId><padding>'.encode(),
                f"</padding></{root}>".encode())

    def throttled(self):
        return ApiError("RequestLimitExceeded", "Request limit exceeded.", 503)

    def not_allowed(self, user, action):
        return ApiError("UnauthorizedOperation",
                        "You are not authorized to perform this operation. "
                        f"User: {user} is not authorized to perform: {action} because no "
                        f"identity-based policy allows the {action} action", 403)

    # -- operations -----------------------------------------------------------------------------

    def _select(self, operation, query):
        """(ids of one page, next token)."""
        kind, _, set_name = SHAPES[operation][:3]
        size = query.max_results()
        for flag, word in (("MaxResults", "maxResults"), ("NextToken", "nextToken")):
            if query.ids and flag in query.flags:
                raise ApiError("InvalidParameterCombination",
                               f"The parameter {set_name} cannot be used with the parameter {word}")
        check_filters(operation, query.filters)
        things = getattr(self.world.state, kind)
        if query.ids:
            check_ids(operation, query.ids, things)
        if query.flags.get("DryRun", "").lower() == "true":
            raise ApiError("DryRunOperation",
                           "Request would have succeeded, but DryRun flag is set.", 412)
        managed = query.flags.get("IncludeManagedResources", "").lower() == "true"
        ids = sorted(thing_id for thing_id in candidates(operation, query, things)
                     if passes(operation, things[thing_id], query.filters)
                     and (managed or not things[thing_id].get("_managed")))
        if size is None and "NextToken" not in query.flags:
            return ids, None
        size = min(size or 1000, self.world.settings["paging"]["describe_instances_page"] or 1000)
        try:
            return cut_page(ids, [operation, query.filters], query.flags.get("NextToken"), size)
        except BadToken:
            raise ApiError("InvalidParameterValue", "Invalid value for nextToken") from None

    def _plain(self, operation, kind, ids, token):
        """The answer from ready-made pieces: rendering anew would cost most of a large answer."""
        version = self.world.state.versions[kind]
        if self._rendered_versions.get(kind) != version:
            self._rendered = {key: text for key, text in self._rendered.items() if key[0] != kind}
            self._rendered_versions[kind] = version
        pieces = []
        for thing_id in ids:
            text = self._rendered.get((kind, thing_id))
            if text is None:
                thing = getattr(self.world.state, kind)[thing_id]
                text = self._rendered[kind, thing_id] = element(
                    "item", wrapped(operation, self.world.account, thing))
            pieces.append(text)
        name = set_name(operation)
        inner = f"<{name}>{''.join(pieces)}</{name}>" if pieces else f"<{name}/>"
        return inner + (element("nextToken", token) if token else "")

    def _changed(self, operation, kind, ids, token, plan):
        things = getattr(self.world.state, kind)
        result = {set_name(operation): [wrapped(operation, self.world.account, things[thing_id])
                                        for thing_id in ids]}
        if token:
            result["nextToken"] = token
        changed = faults.change_members(plan, result)
        return "".join(element(key, value) for key, value in changed.items())


def set_name(operation):
    return "reservationSet" if operation == "DescribeInstances" else "networkInterfaceSet"


def wrapped(operation, account, thing):
    """A thing as an item of its set: every instance comes in a reservation of its own."""
    if operation != "DescribeInstances":
        return visible(thing)
    return {"reservationId": "r-" + str(thing.get("instanceId", "0"))[2:], "ownerId": account,
            "groupSet": [], "instancesSet": [visible(thing)]}


def check_filters(operation, given):
    for entry in given:
        if entry["name"] not in FILTERS[operation]:
            raise ApiError("InvalidParameterValue", f"The filter '{entry['name']}' is invalid")
        if not entry["values"]:
            raise ApiError("InvalidParameterValue", "The filter value set is empty")
    if sum(len(entry["values"]) for entry in given) > MAX_FILTER_VALUES:
        raise ApiError("FilterLimitExceeded", "The maximum number of filter values specified on a "
                                              f"single call is {MAX_FILTER_VALUES}")


def check_ids(operation, ids, things):
    _, _, _, form, code, noun = SHAPES[operation]
    malformed = [thing_id for thing_id in ids if not form.fullmatch(thing_id)]
    if malformed:
        raise ApiError(code + ".Malformed", f'Invalid id: "{malformed[0]}"')
    unknown = [thing_id for thing_id in ids if thing_id not in things]
    if len(unknown) == 1:
        raise ApiError(code + ".NotFound", f"The {noun} ID '{unknown[0]}' does not exist")
    if unknown:
        raise ApiError(code + ".NotFound", f"The {noun} IDs '{', '.join(unknown)}' do not exist")


def candidates(operation, query, things):
    """The ids worth looking at: a set of plain ids spares the walk over everything."""
    if query.ids:
        return dict.fromkeys(query.ids)
    for entry in query.filters:
        if entry["name"] in ("instance-id", "network-interface-id") and not any(
                "*" in value or "?" in value for value in entry["values"]):
            return [value for value in dict.fromkeys(entry["values"]) if value in things]
    return things


def passes(operation, thing, filters):
    for entry in filters:
        values = [value for value in FILTERS[operation][entry["name"]](thing) if value is not None]
        patterns = [wanted for wanted in entry["values"] if "*" in wanted or "?" in wanted]
        if not any(value in entry["values"] or
                   any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)
                   for value in values):
            return False
    return True
