"""ECS: AWS JSON 1.1, the reads the kite may make, with the rules of their parameters."""

import json
import re

from .json_service import NUMBER, TEXT, TEXTS, JsonService
from .paging import BadToken, cut_page
from .service import ApiError
from .state import cluster_of, short_name, visible

FAMILY = re.compile(r"[a-zA-Z0-9\-_]+")
MEMBERS = {
    "ListTasks": {"cluster": TEXT, "containerInstance": TEXT, "family": TEXT, "nextToken": TEXT,
                  "maxResults": NUMBER, "startedBy": TEXT, "serviceName": TEXT,
                  "desiredStatus": TEXT, "launchType": TEXT, "daemonName": TEXT},
    "DescribeTasks": {"cluster": TEXT, "tasks": TEXTS, "include": TEXTS},
    "DescribeContainerInstances": {"cluster": TEXT, "containerInstances": TEXTS, "include": TEXTS},
    "DescribeTaskDefinition": {"taskDefinition": TEXT, "include": TEXTS},
    "DescribeServices": {"cluster": TEXT, "services": TEXTS, "include": TEXTS},
}
CHOICES = {"desiredStatus": ("RUNNING", "PENDING", "STOPPED"),
           "launchType": ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")}


def invalid(message):
    return ApiError("InvalidParameterException", message)


class Ecs(JsonService):
    name = prefix = "ecs"
    target_prefix, members = "AmazonEC2ContainerServiceV20141113.", MEMBERS

    def __init__(self, world):
        super().__init__(world)
        self._operations = {"ListTasks": self.list_tasks, "DescribeTasks": self.describe_tasks,
                            "DescribeContainerInstances": self.describe_container_instances,
                            "DescribeTaskDefinition": self.describe_task_definition,
                            "DescribeServices": self.describe_services}
        self._listed = {}  # filters -> sorted task ids, good for one version of the tasks
        self._listed_version = None

    def throttled(self):
        return ApiError("ThrottlingException", "Rate exceeded")

    # -- operations -----------------------------------------------------------------------------

    def _cluster(self, parameters):
        name = parameters.get("cluster", "default")
        state = self.world.state
        if name.startswith("arn:") and name != state.arn("cluster/" + short_name(name)):
            raise ApiError("ClusterNotFoundException", "Cluster not found.")
        if short_name(name) not in state.clusters:
            raise ApiError("ClusterNotFoundException", "Cluster not found.")
        return short_name(name)

    def list_tasks(self, parameters):
        check_list_filters(parameters)
        cluster = self._cluster(parameters)
        service = parameters.get("serviceName")
        known = self.world.state.services
        if service is not None and f"{cluster}/{short_name(service)}" not in known:
            raise ApiError("ServiceNotFoundException", "Service not found.")
        filters = {name: value for name, value in parameters.items()
                   if name in MEMBERS["ListTasks"] and name not in ("maxResults", "nextToken")}
        filters["cluster"] = cluster
        paging = self.world.settings["paging"]
        size = parameters.get("maxResults", 100)
        size = min(size, paging["list_tasks_page"] or size)
        every = paging["empty_page_every"]
        try:
            ids, token = cut_page(self._matching(cluster, filters), filters,
                                  parameters.get("nextToken"), size,
                                  lambda page: (page == 1 and paging["empty_first_page"])
                                  or (every and page % every == 0))
        except BadToken:
            raise invalid("Invalid token.") from None
        tasks = self.world.state.tasks
        arns = [tasks[i].get("taskArn") or self.world.state.arn(f"task/{cluster}/{i}") for i in ids]
        return {"taskArns": arns, "nextToken": token} if token else {"taskArns": arns}

    def _matching(self, cluster, filters):
        state = self.world.state
        if self._listed_version != state.versions["tasks"]:
            self._listed, self._listed_version = {}, state.versions["tasks"]
        key = json.dumps(filters, sort_keys=True)
        if key not in self._listed:
            if len(self._listed) >= 100:
                self._listed.clear()
            self._listed[key] = sorted(task_id for task_id, task in state.tasks.items()
                                       if cluster_of(task) == cluster and is_listed(task, filters))
        return self._listed[key]

    def _describe(self, parameters, member, kind, resource, noun):
        """The part DescribeTasks and DescribeContainerInstances share: (found, failures)."""
        wanted = parameters.get(member, [])
        title = noun[0].upper() + noun[1:]
        if not wanted:
            raise invalid(f"{title}s cannot be empty.")
        if len(wanted) > 100:
            raise invalid(f"{title}s cannot have more than 100 entries.")
        cluster = self._cluster(parameters)
        things = getattr(self.world.state, kind)
        found, failures = [], []
        for given in dict.fromkeys(wanted):
            thing_id = short_name(given)
            if len(thing_id) not in (32, 36):
                raise invalid(f"{noun}Id length should be one of [32,36]")
            thing = things.get(thing_id)
            if thing and cluster_of(thing) == cluster and not thing.get("_missing") and (
                    not given.startswith("arn:") or thing.get(resource + "Arn") in (None, given)):
                found.append(visible(thing))
            else:
                arn = given if given.startswith("arn:") else self.world.state.arn(
                    f"{'task' if kind == 'tasks' else 'container-instance'}/{cluster}/{thing_id}")
                failures.append({"arn": arn, "reason": "MISSING"})
        return found, failures

    def describe_tasks(self, parameters):
        found, failures = self._describe(parameters, "tasks", "tasks", "task", "task")
        if "TAGS" not in parameters.get("include", []):
            found = [{key: value for key, value in task.items() if key != "tags"} for task in found]
        return {"tasks": found, "failures": failures}

    def describe_container_instances(self, parameters):
        found, failures = self._describe(parameters, "containerInstances", "container_instances",
                                         "containerInstance", "containerInstance")
        return {"containerInstances": found, "failures": failures}

    def describe_task_definition(self, parameters):
        definitions = self.world.state.task_definitions
        name = short_name(parameters.get("taskDefinition", ""))
        if name and ":" not in name:  # a bare family means its latest active revision
            revisions = [definition for definition in definitions.values()
                         if definition.get("family") == name
                         and definition.get("status", "ACTIVE") == "ACTIVE"]
            definition = max(revisions, key=lambda d: d.get("revision", 0), default=None)
        else:
            definition = definitions.get(name)
        given = parameters.get("taskDefinition", "")
        if definition is None or (given.startswith("arn:") and
                                  given != self.world.state.arn("task-definition/" + name)):
            raise ApiError("ClientException", "Unable to describe task definition.")
        return {"taskDefinition": visible(definition), "tags": []}


    def describe_services(self, parameters):
        wanted = parameters.get("services", [])
        if not 1 <= len(wanted) <= 10:
            raise invalid("Services must have 1 to 10 entries.")
        cluster = self._cluster(parameters)
        found, failures = [], []
        for name in map(short_name, wanted):
            arn = self.world.state.arn(f"service/{cluster}/{name}")
            if f"{cluster}/{name}" in self.world.state.services:
                found.append({"serviceArn": arn, "serviceName": name, "status": "ACTIVE",
                              **self._rollout(cluster, name),
                              **self.world.state.service_details.get(f"{cluster}/{name}", {})})
            else:
                failures.append({"arn": arn, "reason": "MISSING"})
        return {"services": found, "failures": failures}

    def _rollout(self, cluster, service):
        """One deployment for each definition that its tasks have, the newest PRIMARY."""
        tasks = self.world.state.tasks.values()
        definitions = {task["taskDefinitionArn"] for task in tasks
                       if task.get("group") == "service:" + service and cluster_of(task) == cluster}
        newest_first = sorted(definitions, key=revision_of, reverse=True)
        deployments = [{"id": f"ecs-svc/{revision_of(arn):019}", "taskDefinition": arn,
                        "status": "ACTIVE" if i else "PRIMARY", "rolloutState": "IN_PROGRESS"}
                       for i, arn in enumerate(newest_first)]
        return {"deployments": deployments, "taskSets": [], "events": []}


def revision_of(definition_arn):
    return int(definition_arn.rpartition(":")[2])


def check_list_filters(parameters):
    """The parameter rules of ListTasks that need no state."""
    if not 1 <= parameters.get("maxResults", 100) <= 100:
        raise invalid("maxResults must be between 1 and 100.")
    for name, choices in CHOICES.items():
        if parameters.get(name, choices[0]) not in choices:
            raise invalid(f"{name} must be one of {', '.join(choices)}.")
    family = parameters.get("family")
    if family is not None and not FAMILY.fullmatch(family):
        raise invalid(f"family must match {FAMILY.pattern}")
    given = {name for name in ("family", "serviceName", "containerInstance", "startedBy",
                               "daemonName") if name in parameters}
    if "startedBy" in given and len(given) > 1:
        raise invalid("cannot specify startedBy with other arguments")
    if "serviceName" in given and given & {"family", "containerInstance", "daemonName"}:
        raise invalid("cannot specify serviceName with other arguments")


def is_listed(task, filters):
    """Whether a task of the cluster is in the listing for these filters."""
    if task.get("_hidden_from_list"):
        return False
    wanted = filters.get("desiredStatus", "RUNNING")
    if wanted == "PENDING" or (task.get("desiredStatus") or "RUNNING") != wanted:
        return False
    checks = {"serviceName": lambda name: task.get("group") == "service:" + short_name(name),
              "family": lambda name: family_of(task) == name,
              "containerInstance": lambda name: short_name(
                  str(task.get("containerInstanceArn"))) == short_name(name),
              "launchType": lambda name: task.get("launchType") == name,
              "startedBy": lambda name: task.get("startedBy") == name,
              "daemonName": lambda name: False}
    return all(check(filters[name]) for name, check in checks.items() if name in filters)


def family_of(task):
    definition = task.get("taskDefinitionArn")
    return short_name(definition).partition(":")[0] if isinstance(definition, str) else None
