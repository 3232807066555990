"""FakeAws: spawns the fake, drives its control interface, hands out environments.

For tests, demo and bench.

    from fake_aws.client import FakeAws, bridge_task, instance
"""

import http.client
import json
import os
import pathlib
import subprocess
import time
import urllib.parse

from .builders import *  # noqa: F401,F403  re-exported: one import is enough for a test
from .builders import (ACCOUNT, REGION, STATIC_ACCESS_KEY, STATIC_SECRET, container_instance, id_of)

PROGRAM = str(pathlib.Path(__file__).resolve().parent)
PYTHON = "/usr/bin/python3"


class ControlError(Exception):
    """The control interface refused a request."""


class FakeAws:
    """One running fake. Use as a context manager; `close()` is idempotent.

    Owns: the process, which also ends by itself when this process dies (its stdin closes).
    """

    def __init__(self, region=REGION, account=ACCOUNT, tls_cert=None, tls_key=None, flags=()):
        command = [PYTHON, PROGRAM, "--exit-with-stdin", "--region", region, "--account", account]
        if tls_cert:
            command += ["--tls-cert", str(tls_cert), "--tls-key", str(tls_key)]
        self.region, self.account = region, account
        self._process = subprocess.Popen(command + list(flags), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"fake_aws did not start, exit status {self._process.wait()}")
        self.urls = json.loads(line)
        self._connection = None

    ecs_url = property(lambda self: self.urls["ecs"])
    ec2_url = property(lambda self: self.urls["ec2"])
    sts_url = property(lambda self: self.urls["sts"])
    cloud_map_url = property(lambda self: self.urls["servicediscovery"])
    metadata_url = property(lambda self: self.urls["metadata"])
    imds_url = property(lambda self: self.urls["imds"])
    control_url = property(lambda self: self.urls["control"])
    pid = property(lambda self: self._process.pid)
    is_open = property(lambda self: self._process.stdin is not None
                       and self._process.poll() is None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None
        if self._process.stdin:
            self._process.stdin.close()
            self._process.stdin = None
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    # -- environments ---------------------------------------------------------------------------

    def env(self, credentials="static", task_metadata=False, authorization=None):
        """The AWS_* variables for a kite (or boto3), to be merged over a clean environment.

        `credentials`: "static", "container", "container-relative" (needs 169.254.170.2, so only
        good for looking at), "imds" or "none". `task_metadata` adds ECS_CONTAINER_METADATA_URI_V4,
        `authorization` is the container token. Files in the home folder are switched off.
        """
        env = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region,
               "AWS_ENDPOINT_URL_ECS": self.ecs_url, "AWS_ENDPOINT_URL_EC2": self.ec2_url,
               "AWS_ENDPOINT_URL_STS": self.sts_url,
               "AWS_ENDPOINT_URL_SERVICEDISCOVERY": self.cloud_map_url,
               "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
               "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1,localhost",
               "no_proxy": "127.0.0.1,localhost"}
        if credentials == "static":
            env.update(AWS_ACCESS_KEY_ID=STATIC_ACCESS_KEY, AWS_SECRET_ACCESS_KEY=STATIC_SECRET)
        elif credentials == "container":
            env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.metadata_url + "/v2/credentials/kite"
        elif credentials == "container-relative":
            env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/kite"
        elif credentials == "imds":
            env["AWS_EC2_METADATA_DISABLED"] = "false"
            env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = self.imds_url
        elif credentials != "none":
            raise ValueError(f"no such kind of credentials: {credentials}")
        if authorization is not None:
            env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = authorization
        if task_metadata:
            env["ECS_CONTAINER_METADATA_URI_V4"] = self.metadata_url + "/v4/kite"
        return env

    # -- control, raw ---------------------------------------------------------------------------

    def control(self, method, path, body=...):
        """One control request; returns the decoded answer, raises ControlError if refused."""
        data = None if body is ... else json.dumps(body)
        for attempt in (1, 2):  # a keep-alive connection may have been closed since
            if self._connection is None:
                address = urllib.parse.urlsplit(self.control_url)
                self._connection = http.client.HTTPConnection(address.hostname, address.port, 30)
            try:
                self._connection.request(method, path, data)
                answer = self._connection.getresponse()
                text = answer.read()
                break
            except (ConnectionError, http.client.HTTPException):
                self._connection.close()
                self._connection = None
                if attempt == 2:
                    raise
        if answer.status != 200:
            raise ControlError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)

    def reset(self):
        """Everything as after the start, so that tests can share one fake."""
        self.control("POST", "/reset")

    # -- state ----------------------------------------------------------------------------------

    def state(self):
        return self.control("GET", "/state")

    def set_state(self, state):
        """Replaces everything: clusters, services, tasks, container_instances, instances, ..."""
        self.control("PUT", "/state", state)

    def patch_state(self, **members):
        """Replaces whole top-level members: patch_state(tasks={})."""
        self.control("PATCH", "/state", members)

    def put_task(self, task):
        """Adds or replaces a task; returns its id."""
        self.control("PUT", "/tasks/" + id_of(task), task)
        return id_of(task)

    def put_tasks(self, tasks):
        """Adds many in one request; returns their ids."""
        self.control("POST", "/tasks", {id_of(task): task for task in tasks})
        return [id_of(task) for task in tasks]

    def delete_task(self, task):
        """Removes it from lists; DescribeTasks answers MISSING. Takes an id, an ARN or the task."""
        self.control("DELETE", "/tasks/" + id_of(task))

    def change_task(self, task, **members):
        """Replaces members of a task that is there: change_task(id, lastStatus="STOPPED")."""
        path = "/tasks/" + id_of(task)
        self.control("PUT", path, {**self.control("GET", path), **members})

    def put_instance(self, made, cluster="default"):
        """Adds an EC2 instance and its container instance in `cluster` (None: EC2 only).

        Returns the EC2 instance id.
        """
        self.control("PUT", "/instances/" + made["instanceId"], made)
        if cluster is not None:
            self.put_container_instance(container_instance(made["instanceId"], cluster))
        return made["instanceId"]

    def put_instances(self, many, cluster="default"):
        """Adds many EC2 instances and their container instances in two requests."""
        self.control("POST", "/instances", {made["instanceId"]: made for made in many})
        hosts = [container_instance(made["instanceId"], cluster) for made in many]
        self.control("POST", "/container-instances", {id_of(host): host for host in hosts})

    def delete_instance(self, instance_id):
        self.control("DELETE", "/instances/" + id_of(instance_id))

    def put_container_instance(self, made):
        self.control("PUT", "/container-instances/" + id_of(made), made)
        return id_of(made)

    def delete_container_instance(self, made):
        self.control("DELETE", "/container-instances/" + id_of(made))

    def put_task_definition(self, made):
        self.control("PUT", f"/task-definitions/{made['family']}:{made['revision']}", made)

    def delete_task_definition(self, family, revision):
        self.control("DELETE", f"/task-definitions/{family}:{revision}")

    def put_eni(self, made):
        self.control("PUT", "/enis/" + made["networkInterfaceId"], made)
        return made["networkInterfaceId"]

    def delete_eni(self, made):
        self.control("DELETE", "/enis/" + id_of(made))

    def put_cluster(self, name):
        self.control("PUT", "/clusters/" + name)

    def delete_cluster(self, name):
        self.control("DELETE", "/clusters/" + name)

    def put_service(self, name, cluster="default"):
        """Makes an empty service known; without it ListTasks says ServiceNotFoundException."""
        self.control("PUT", f"/services/{cluster}/{name}")

    def put_service_details(self, name, cluster="default", **members):
        """What DescribeServices says of a service beside, or in place of, what its tasks tell:
        put_service_details("api", deployments=[...])."""
        self.control("PUT", f"/service-details/{cluster}/{name}", members)

    def set_cloud_map(self, namespace, service, instances):
        """Replaces what is registered with a Cloud Map service: {id: registered_instance(...)}."""
        self.control("PUT", f"/cloud-map/{namespace}/{service}", {"instances": instances})

    def register(self, namespace, service, instance_id, instance):
        """Adds or replaces one instance; the namespace and the service are there from then on."""
        registered = self.state()["cloud_map"].get(f"{namespace}/{service}", {"instances": {}})
        instances = {**registered["instances"], instance_id: instance}
        self.set_cloud_map(namespace, service, instances)

    def deregister(self, namespace, service, instance_id):
        instances = dict(self.state()["cloud_map"][f"{namespace}/{service}"]["instances"])
        del instances[instance_id]
        self.set_cloud_map(namespace, service, instances)

    def delete_service(self, name, cluster="default"):
        self.control("DELETE", f"/services/{cluster}/{name}")

    # -- what happened --------------------------------------------------------------------------

    def calls(self):
        return self.control("GET", "/calls")

    def reset_calls(self):
        self.control("DELETE", "/calls")

    def log(self, n=2000):
        return self.control("GET", f"/log?n={n}")

    def count(self, service, operation=None, error=None):
        """Requests: all, of an operation, or of an operation with an error code ("ok": good)."""
        entry = self.calls()["services"][service]
        if operation is not None:
            entry = entry["operations"].get(operation, {"total": 0, "ok": 0, "errors": {}})
        if error is None:
            return entry["total"]
        return entry["ok"] if error == "ok" else entry["errors"].get(error, 0)

    def connections(self, listener):
        """Connections accepted so far by a listener."""
        return self.calls()["listeners"][listener]["connections"]

    def wait_until(self, condition, timeout=20.0, what="a condition"):
        """Asks `condition()` until true, at most `timeout` seconds; returns its value."""
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} not met in {timeout} s; counters: {self.calls()}")
            time.sleep(0.02)

    def wait_for_calls(self, service, operation, n=1, error=None, timeout=20.0):
        """Waits until `n` further requests of the operation were counted from now on."""
        goal = self.count(service, operation, error) + n
        self.wait_until(lambda: self.count(service, operation, error) >= goal, timeout,
                        f"{n} more {service} {operation}")

    # -- faults and knobs -----------------------------------------------------------------------

    def set_faults(self, *faults):
        """Replaces the list of faults (see builders.fault); none clears it."""
        self.control("PUT", "/faults", list(faults))

    def add_fault(self, made):
        self.control("POST", "/faults", made)

    def clear_faults(self):
        self.control("DELETE", "/faults")

    def set_clock(self, offset_seconds):
        self.control("PUT", "/clock", {"offset_seconds": offset_seconds})

    def set_throttle(self, throttle):
        self.control("PUT", "/throttle", throttle)

    def set_paging(self, **paging):
        self.control("PUT", "/paging", paging)

    def deny(self, *actions):
        """Denies exactly these IAM actions from now on; none allows all."""
        self.control("PUT", "/deny", list(actions))

    def set_path_prefix(self, prefix):
        self.control("PUT", "/path-prefix", prefix)

    def set_credentials(self, *credentials):
        self.control("PUT", "/credentials", list(credentials))

    def renew_credentials(self):
        """The sources hand out new keys from now on; the old ones stay good."""
        self.control("POST", "/credentials/renew")

    def secrets(self):
        """Every secret and token it has handed out or been shown: what nobody may print."""
        return self.control("GET", "/secrets")

    def rotate_credentials(self):
        self.control("POST", "/credentials/rotate")

    def set_imds(self, **knobs):
        self.control("PUT", "/imds", knobs)

    def forget_imds_tokens(self):
        self.control("POST", "/imds/forget-tokens")

    def set_sts(self, **knobs):
        self.control("PUT", "/sts", knobs)

    def set_container_credentials(self, **knobs):
        self.control("PUT", "/container-credentials", knobs)

    def set_task_metadata(self, document):
        self.control("PUT", "/task-metadata", document)
