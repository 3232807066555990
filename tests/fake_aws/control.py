"""The control interface: HTTP/JSON that edits the world. README.md is its reference."""

import json
import urllib.parse

from .credentials import STATIC
from .wire import Reply
from .world import DEFAULTS, default_task_metadata, with_defaults

NOTHING = {}
KIND_OF = {"tasks": "tasks", "container-instances": "container_instances", "instances": "instances",
           "task-definitions": "task_definitions", "enis": "enis",
           "service-details": "service_details", "cloud-map": "cloud_map"}


class NotThere(Exception):
    """No such path or thing."""


class Control:
    """Answers on the control port. Each setting has a getter and a setter; the setter may raise
    ValueError, KeyError or TypeError, which all mean a bad request."""

    def __init__(self, world, imds):
        self._world, self._imds = world, imds
        world_settings = world.settings
        self._settings = {
            "clock": (lambda: {"offset_seconds": world.clock.offset_seconds}, self._set_clock),
            "throttle": (lambda: world.throttle.config, world.throttle.set),
            "deny": (lambda: sorted(world.denied), self._set_denied),
            "path-prefix": (lambda: world.path_prefix, self._set_prefix),
            "credentials": (world.credentials.describe, world.credentials.set_static),
            "task-metadata": (lambda: world.task_metadata, self._set_task_metadata),
            "faults": (world.faults.describe, world.faults.replace),
            "state": (world.state.dump, world.state.replace)}
        for name in world_settings:
            self._settings[name] = (lambda name=name: world_settings[name],
                                    lambda body, name=name: world_settings.__setitem__(
                                        name, with_defaults(name, body)))

    def handle(self, request):
        try:
            body = json.loads(request.body) if request.body else None
            parts = [urllib.parse.unquote(part) for part in request.path.strip("/").split("/")]
            result = self._route(request.method, parts, body, request.query)
            return Reply(200, json.dumps(result).encode(), "application/json")
        except NotThere as problem:
            status, message = 404, f"not there: {problem}"
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            status, message = 400, f"{type(problem).__name__}: {problem}"
        return Reply(status, json.dumps({"error": message}).encode(), "application/json")

    def _route(self, method, parts, body, query):
        head, rest = parts[0], "/".join(parts[1:])
        if head in KIND_OF:
            return self._things(method, KIND_OF[head], rest, body)
        if head in ("clusters", "services") and rest:
            return self._names(method, head, rest)
        special = {("GET", "calls"): self._world.counters.describe,
                   ("DELETE", "calls"): self._world.counters.reset,
                   ("GET", "log"): lambda: self._log(query),
                   ("PATCH", "state"): lambda: self._world.state.patch(body),
                   ("POST", "faults"): lambda: self._world.faults.append(body),
                   ("DELETE", "faults"): lambda: self._world.faults.replace([]),
                   ("GET", "secrets"): lambda: sorted(self._world.credentials.secrets),
                   ("POST", "reset"): self._reset,
                   ("POST", "credentials/rotate"): self._world.credentials.rotate,
                   ("POST", "credentials/renew"): self._world.credentials.renew,
                   ("POST", "imds/forget-tokens"): self._imds.forget_tokens}
        action = special.get((method, "/".join(parts)))
        if action:
            result = action()
            return NOTHING if result is None else result
        if head in self._settings and not rest and method in ("GET", "PUT"):
            getter, setter = self._settings[head]
            if method == "GET":
                return getter()
            setter(body)
            return NOTHING
        raise NotThere(f"{method} /{'/'.join(parts)}")

    def _things(self, method, kind, key, body):
        state = self._world.state
        things = getattr(state, kind)
        if method == "POST" and not key:
            for each, thing in body.items():
                state.put(kind, each, thing)
            return NOTHING
        if method == "GET" and not key:
            return things
        if method == "PUT" and key:
            state.put(kind, key, body)
            return NOTHING
        if key not in things:
            raise NotThere(f"{kind} {key}")
        if method == "DELETE":
            state.delete(kind, key)
            return NOTHING
        if method == "GET":
            return things[key]
        raise NotThere(method)

    def _names(self, method, kind, name):
        names = getattr(self._world.state, kind)
        if method == "PUT":
            names.add(name)
        elif method == "DELETE" and name in names:
            names.remove(name)
        else:
            raise NotThere(f"{kind} {name}")
        return NOTHING

    def _log(self, query):
        given = urllib.parse.parse_qs(query).get("n", ["100"])
        return self._world.counters.log(int(given[0]))

    def _reset(self):
        """As after the start without flags; connections and credentials handed out live on."""
        world = self._world
        defaults = {"clock": {"offset_seconds": 0}, "throttle": None, "deny": [], "path-prefix": "",
                    "credentials": [STATIC], "faults": [], "state": {},
                    "task-metadata": default_task_metadata(world.region, world.account),
                    **dict.fromkeys(DEFAULTS, {})}
        for name, value in defaults.items():
            self._settings[name][1](value)
        world.counters.reset()

    def _set_clock(self, body):
        self._world.clock.offset_seconds = float(body["offset_seconds"])

    def _set_denied(self, body):
        if not isinstance(body, list) or not all(isinstance(action, str) for action in body):
            raise ValueError("a list of actions is needed")
        self._world.denied = set(body)

    def _set_prefix(self, body):
        if not isinstance(body, str) or (body and not body.startswith("/")) or body.endswith("/"):
            raise ValueError("a prefix starts with / and does not end with it")
        self._world.path_prefix = body

    def _set_task_metadata(self, body):
        if body is not None and not isinstance(body, dict):
            raise ValueError("a JSON object or null is needed")
        self._world.task_metadata = body
