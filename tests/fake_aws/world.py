"""Everything the listeners share, and the settings of the control interface with their defaults."""

from .clock import Clock
from .counters import Counters
from .credentials import LIFETIME_SECONDS, Credentials
from .faults import Faults
from .state import State
from .throttle import Throttle

DEFAULTS = {
    "paging": {"list_tasks_page": None, "empty_first_page": False, "empty_page_every": None,
               "describe_instances_page": None},
    "imds": {"require_token": True, "put_status": None, "put_hangs": False,
             "role": "kite-instance-role", "code": "Success", "expired": False,
             "lifetime_seconds": LIFETIME_SECONDS, "expiration": None},
    "container-credentials": {"authorization": None, "fail_first": [],
                              "lifetime_seconds": LIFETIME_SECONDS, "expiration": None, "omit": []},
    "sts": {"roles": None, "external_id": None, "lifetime_seconds": None,
            "tokens": ["a web identity token"], "expired_tokens": []},
}


def with_defaults(name, given):
    """The whole of a settings object; raises ValueError for a key it does not have."""
    if not isinstance(given, dict):
        raise ValueError("a JSON object is needed")
    unknown = set(given) - set(DEFAULTS[name])
    if unknown:
        raise ValueError(f"unknown in {name}: {', '.join(sorted(unknown))}")
    whole = {**DEFAULTS[name], **given}
    return {key: list(value) if isinstance(value, list) else value for key, value in whole.items()}


class World:
    """Owned by main, outlives every listener."""

    def __init__(self, region, account):
        self.region, self.account = region, account
        self.clock = Clock()
        self.state = State(region, account)
        self.credentials = Credentials(self.clock)
        self.faults = Faults()
        self.throttle = Throttle()
        self.counters = Counters(self.clock)
        self.denied = set()
        self.path_prefix = ""
        self.settings = {name: with_defaults(name, {}) for name in DEFAULTS}
        self.task_metadata = default_task_metadata(region, account)


def default_task_metadata(region, account):
    """What the agent on an EC2 instance says at v4 /task of a bridge task."""
    return {"Cluster": "default",
            "TaskARN": f"arn:aws:ecs:{region}:{account}:task/default/{'3c2f1d8e' * 4}",
            "Family": "kite", "Revision": "1", "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
            "PullStartedAt": "2026-01-02T03:04:05.1Z", "PullStoppedAt": "2026-01-02T03:04:06.2Z",
            "AvailabilityZone": region + "a", "LaunchType": "EC2",
            "Containers": [{"DockerId": "0123456789abcdef", "Name": "kite",
                            "DockerName": "ecs-kite-1-kite", "Image": "ecs-task-kite",
                            "Type": "NORMAL", "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
                            "Networks": [{"NetworkMode": "bridge",
                                          "IPv4Addresses": ["172.17.0.2"]}]}]}
