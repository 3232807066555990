"""What happened: counters per service and operation, and a bounded log of requests."""

import collections

LOG_ENTRIES = 2000
MAX_NAMES = 500  # operations, codes and unknown members come from clients: bounded


class ServiceCounters:
    def __init__(self):
        self.in_flight = 0
        self.reset()

    def reset(self):
        self.total = self.ok = 0
        self.max_in_flight = self.in_flight
        self.operations = {}

    def operation(self, name):
        if name not in self.operations and len(self.operations) >= MAX_NAMES:
            name = "?"
        return self.operations.setdefault(name, {"total": 0, "ok": 0, "errors": {}})

    def describe(self):
        return {"total": self.total, "ok": self.ok, "in_flight": self.in_flight,
                "max_in_flight": self.max_in_flight, "operations": self.operations}


class Counters:
    """`begin`: request complete, `decide`: outcome known, `end`: answer out."""

    def __init__(self, clock):
        self._clock = clock
        self._services = {}
        self._seq = 0
        self.listeners = []
        self.reset()

    def reset(self):
        for service in self._services.values():
            service.reset()
        for listener in self.listeners:
            listener.reset_counters()
        self._unknown = collections.Counter()
        self._log = collections.deque(maxlen=LOG_ENTRIES)

    def service(self, name):
        return self._services.setdefault(name, ServiceCounters())

    def begin(self, service):
        counters = self.service(service)
        counters.total += 1
        counters.in_flight += 1
        counters.max_in_flight = max(counters.max_in_flight, counters.in_flight)

    def end(self, service):
        self.service(service).in_flight -= 1

    def decide(self, exchange, status, error):
        counters = self.service(exchange.service)
        operation = counters.operation(exchange.operation)
        operation["total"] += 1
        if error is None:
            counters.ok += 1
            operation["ok"] += 1
        else:
            errors = operation["errors"]
            if error in errors or len(errors) < MAX_NAMES:
                errors[error] = errors.get(error, 0) + 1
        self._seq += 1
        self._log.append({"seq": self._seq, "time": round(self._clock.now(), 3),
                          "service": exchange.service, "operation": exchange.operation,
                          "parameters": exchange.parameters, "status": status, "error": error,
                          "connection": exchange.connection, "access_key": exchange.access_key})

    def unknown_member(self, name):
        if name in self._unknown or len(self._unknown) < MAX_NAMES:
            self._unknown[name] += 1

    def log(self, n):
        return list(self._log)[-n:] if n > 0 else []

    def describe(self):
        return {"services": {name: s.describe() for name, s in self._services.items()},
                "listeners": {l.name: l.counters() for l in self.listeners},
                "unknown_members": dict(self._unknown)}
