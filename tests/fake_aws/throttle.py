"""Token buckets in the way AWS limits calls per account and region."""

import time


class Bucket:
    """`burst` tokens at most, refilled at `rate` a second; one request takes one."""

    def __init__(self, burst, rate, now=time.monotonic):
        self._burst, self._rate, self._now = burst, rate, now
        self._tokens, self._filled_at = float(burst), now()

    def take(self):
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """All buckets: one for the ECS cluster reads, one for definitions, one for services, one for
    each EC2 operation."""

    def __init__(self):
        self.set(None)

    def set(self, config):
        for name in config or {}:
            if name not in ("ecs", "ecs_definitions", "ecs_services", "ec2", "servicediscovery",
                            "servicediscovery_revision"):
                raise ValueError(f"no such throttle: {name}")
        self.config, self._buckets = config, {}

    def allows(self, service, operation):
        if not self.config or service == "sts":
            return True
        if service == "ec2":
            kind, key = "ec2", "ec2:" + operation
        elif service == "servicediscovery":
            revision = operation == "DiscoverInstancesRevision"
            kind = key = "servicediscovery_revision" if revision else "servicediscovery"
        elif operation == "DescribeTaskDefinition":
            kind = key = "ecs_definitions"
        elif operation == "DescribeServices":
            kind = key = "ecs_services"
        else:
            kind = key = "ecs"
        limits = self.config.get(kind)
        if limits is None and kind.startswith("ecs_"):
            limits = self.config.get("ecs")
        if limits is None:
            return True
        if key not in self._buckets:
            self._buckets[key] = Bucket(limits["burst"], limits["rate"])
        return self._buckets[key].take()
