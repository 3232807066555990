"""Faults: which requests they hit and what they do to the answer."""

import copy
import random

ENDING = {"error", "status", "stuck", "reset", "empty_body", "garbage", "html", "huge"}
MODIFIERS = {"delay_ms", "truncate", "reset_after_bytes", "chunked", "close", "close_silently",
             "headers", "null_members", "drop_members", "extra_members", "wrong_types", "empty_set",
             "doctype"}
MEMBER_CHANGES = ("empty_set", "null_members", "drop_members", "wrong_types", "extra_members")
DETAILS = {"body", "content_type"}
DECOY_ADDRESS = "203.0.113.99"  # TEST-NET-3: a client that reads it looks in the wrong place


class Fault:
    """One entry of the list, with its own count and its own chance."""

    def __init__(self, spec):
        action = spec.get("action")
        if not isinstance(action, dict) or not action:
            raise ValueError("a fault needs an action")
        unknown = (set(action) - ENDING - MODIFIERS - DETAILS) | (
            set(spec) - {"match", "times", "skip", "probability", "seed", "action"}) | (
            set(spec.get("match", {})) - {"service", "operation", "path"})
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        self.spec, self.action = spec, action
        self._match = {key: value for key, value in spec.get("match", {}).items() if value != "*"}
        self._left, self._skip = spec.get("times"), spec.get("skip", 0)
        self._probability = spec.get("probability")
        self._random = random.Random(spec.get("seed", 0))

    @property
    def ends(self):
        return not ENDING.isdisjoint(self.action)

    def hits(self, facts):
        """Whether this request is hit; counts it."""
        if any(facts[key] != value for key, value in self._match.items()) or self._left == 0:
            return False
        if self._skip > 0:
            self._skip -= 1
            return False
        if self._probability is not None and self._random.random() >= self._probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def describe(self):
        return {**self.spec, "times": self._left, "skip": self._skip}


class Faults:
    """The list, walked for every request whose signature is good."""

    def __init__(self):
        self._faults = []

    def replace(self, specs):
        self._faults = [Fault(spec) for spec in specs]

    def append(self, spec):
        self._faults.append(Fault(spec))

    def describe(self):
        return [fault.describe() for fault in self._faults]

    def plan(self, service, operation, path):
        """The actions for one request, merged; delays add up, the first of a kind wins."""
        plan = {}
        facts = {"service": service, "operation": operation, "path": path}
        for fault in self._faults:
            if not fault.hits(facts):
                continue
            delay = plan.get("delay_ms", 0) + fault.action.get("delay_ms", 0)
            plan = {**fault.action, **plan}
            if delay:
                plan["delay_ms"] = delay
            if fault.ends:
                break
        return plan


def name_of(plan):
    """The name a fault without an AWS error code is counted under, None if the answer is normal."""
    for name in ("reset", "stuck", "empty_body", "garbage", "html", "huge", "status",
                 "truncate", "reset_after_bytes"):
        if name in plan and plan[name] not in (None, False):
            return "fault:" + name
    return None


def apply_transport(plan, reply):
    """Copies what concerns the sending to the reply."""
    for name in ("delay_ms", "stuck", "reset", "truncate", "reset_after_bytes", "chunked", "close",
                 "close_silently"):
        if name in plan:
            setattr(reply, name, plan[name])
    reply.headers.update(plan.get("headers", {}))


# -- changes to the members of an answer ----------------------------------------------------------


def changes_members(plan):
    return any(plan.get(name) for name in MEMBER_CHANGES)


def change_members(plan, result):
    """A changed copy of a result (a dict of lists, objects and scalars)."""
    result = copy.deepcopy(result)
    if plan.get("empty_set"):
        result = {key: [] for key, value in result.items() if isinstance(value, list)}
    wanted = plan.get("null_members")
    if wanted is True:
        result = _null_items(result)
    elif wanted:
        result = _walk(result, lambda key, value: None if key in wanted else value)
    if plan.get("drop_members"):
        result = _drop(result, set(plan["drop_members"]))
    wanted = plan.get("wrong_types")
    if wanted is True:
        result = _walk(result, lambda key, value: _other_scalar(value))
    elif wanted:
        result = _walk(result, lambda key, value: _other_type(value) if key in wanted else value)
    if plan.get("extra_members"):
        result = _extra(result)
    return result


def _null_items(result):
    changed = {}
    for key, value in result.items():
        if isinstance(value, list):
            changed[key] = [_null_item(item) for item in value]
        else:
            changed[key] = dict.fromkeys(value) if isinstance(value, dict) else None
    return changed


def _null_item(item):
    if not isinstance(item, dict):
        return None
    if "instancesSet" in item:  # the items of DescribeInstances are one level deeper
        return {"instancesSet": [dict.fromkeys(instance) for instance in item["instancesSet"]]}
    return dict.fromkeys(item)


def _walk(value, change, key=None):
    """Depth first: `change(key, value)` for members and for scalars in lists."""
    if isinstance(value, dict):
        value = {name: _walk(member, change, name) for name, member in value.items()}
    elif isinstance(value, list):
        value = [_walk(member, change) for member in value]
    return change(key, value)


def _drop(value, names):
    if isinstance(value, dict):
        return {key: _drop(member, names) for key, member in value.items() if key not in names}
    if isinstance(value, list):
        return [_drop(member, names) for member in value]
    return value


def _other_scalar(value):
    if isinstance(value, str):
        return 17
    if isinstance(value, (bool, int, float)):
        return "seventeen"
    return value


def _other_type(value):
    return 17 if isinstance(value, (str, list, dict)) else "seventeen"


def _extra(value):
    if isinstance(value, dict):
        decoys = {"futureMember": {"privateIpAddress": DECOY_ADDRESS, "ipAddress": DECOY_ADDRESS,
                                   "privateIpv4Address": DECOY_ADDRESS, "lastStatus": "STOPPED",
                                   "instanceId": "i-00000000000000000", "hostPort": 1,
                                   "deep": [[1, [2, None]], {"empty": {}}]},
                  "futureFlag": True}
        return {**decoys, **{key: _extra(member) for key, member in value.items()}}
    if isinstance(value, list):
        return [_extra(member) for member in value]
    return value
