"""What exists: clusters, services, tasks, instances of both kinds, definitions, interfaces."""

KINDS = ("tasks", "container_instances", "instances", "task_definitions", "enis",
         "service_details", "cloud_map")


def visible(thing):
    """A thing as a service shows it: without the fake's own keys."""
    if any(key.startswith("_") for key in thing):
        return {key: value for key, value in thing.items() if not key.startswith("_")}
    return thing


def short_name(name_or_arn):
    return name_or_arn.rsplit("/", 1)[-1]


def cluster_of(thing):
    """The cluster a task or container instance belongs to."""
    if "_cluster" in thing:
        return thing["_cluster"]
    if isinstance(thing.get("clusterArn"), str):
        return short_name(thing["clusterArn"])
    for member in ("taskArn", "containerInstanceArn"):
        parts = thing[member].split("/") if isinstance(thing.get(member), str) else ()
        if len(parts) == 3:
            return parts[1]
    return "default"


def registration(service):
    """What of a Cloud Map service its revision is about: all but the health of its instances."""
    if service is None:
        return None
    return {instance_id: instance.get("attributes")
            for instance_id, instance in service.get("instances", {}).items()}


class State:
    """Plain dicts by id. `versions[kind]` grows with every change, so that views can be cached."""

    def __init__(self, region, account):
        self.region, self.account = region, account
        self.versions = dict.fromkeys(KINDS, 0)
        self.cloud_map_revisions = {}  # of each service: grows as instances come and go
        self.replace({})

    def arn(self, resource):
        return f"arn:aws:ecs:{self.region}:{self.account}:{resource}"

    def dump(self):
        return {"clusters": sorted(self.clusters), "services": sorted(self.services),
                **{kind: getattr(self, kind) for kind in KINDS}}

    def replace(self, document):
        """Everything anew; members that are absent become empty (clusters: `default`)."""
        whole = {"clusters": ["default"], "services": [], **{kind: {} for kind in KINDS}}
        self.patch({**whole, **document})

    def patch(self, document):
        """Replaces the members given. Raises ValueError before anything changed."""
        for name, value in document.items():
            if name in ("clusters", "services"):
                good = isinstance(value, list) and all(isinstance(item, str) for item in value)
            else:
                good = name in KINDS and isinstance(value, dict) and all(
                    isinstance(item, dict) for item in value.values())
            if not good:
                raise ValueError(f"bad or unknown state member: {name}")
        for name in ("clusters", "services"):
            if name in document:
                setattr(self, name, set(document[name]))
        for kind in KINDS:
            if kind in document:
                setattr(self, kind, {})
                self.versions[kind] += 1
                for key, thing in document[kind].items():
                    self.put(kind, key, thing)

    def put(self, kind, key, thing):
        if not isinstance(thing, dict):
            raise ValueError("a JSON object is needed")
        if kind == "cloud_map" and registration(thing) != registration(self.cloud_map.get(key)):
            self.cloud_map_revisions[key] = self.cloud_map_revisions.get(key, 100) + 1
        getattr(self, kind)[key] = thing
        self.versions[kind] += 1
        if kind in ("tasks", "container_instances"):
            cluster = cluster_of(thing)
            self.clusters.add(cluster)
            group = thing.get("group")
            if isinstance(group, str) and group.startswith("service:"):
                self.services.add(f"{cluster}/{group[len('service:'):]}")

    def delete(self, kind, key):
        if getattr(self, kind).pop(key, None) is None:
            raise KeyError(key)
        self.versions[kind] += 1
