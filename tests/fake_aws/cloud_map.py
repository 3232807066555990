"""Cloud Map: DiscoverInstances and DiscoverInstancesRevision of registered instances."""

from .json_service import NUMBER, TEXT, TEXT_MAP, JsonService
from .service import ApiError

SERVICE = {"NamespaceName": TEXT, "ServiceName": TEXT, "OwnerAccount": TEXT}
MEMBERS = {"DiscoverInstances": {**SERVICE, "MaxResults": NUMBER, "HealthStatus": TEXT,
                                 "QueryParameters": TEXT_MAP, "OptionalParameters": TEXT_MAP},
           "DiscoverInstancesRevision": SERVICE}
HEALTH_FILTERS = ("HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL")
MAX_RESULTS_DEFAULT, MAX_RESULTS = 100, 1000


class CloudMap(JsonService):
    name = prefix = "servicediscovery"
    target_prefix, members = "Route53AutoNaming_v20170314.", MEMBERS

    def __init__(self, world):
        super().__init__(world)
        self._operations = {"DiscoverInstances": self.discover_instances,
                            "DiscoverInstancesRevision": self.discover_revision}

    def throttled(self):
        return ApiError("RequestLimitExceeded", "Request limit exceeded")

    def _find(self, parameters):
        """(key of the service in the state, its instances)."""
        for name in ("NamespaceName", "ServiceName"):
            if not parameters.get(name):
                raise ApiError("InvalidInput", f"{name} must not be empty.")
        namespace, service = parameters["NamespaceName"], parameters["ServiceName"]
        registry = self.world.state.cloud_map
        if not any(key.partition("/")[0] == namespace for key in registry):
            raise ApiError("NamespaceNotFound", f"No namespace {namespace}.")
        key = f"{namespace}/{service}"
        if key not in registry:
            raise ApiError("ServiceNotFound", f"No service {service}.")
        return key, registry[key].get("instances", {})

    def discover_revision(self, parameters):
        key, _ = self._find(parameters)
        return {"InstancesRevision": self.world.state.cloud_map_revisions[key]}

    def discover_instances(self, parameters):
        size = parameters.get("MaxResults", MAX_RESULTS_DEFAULT)
        wanted = parameters.get("HealthStatus", "HEALTHY_OR_ELSE_ALL")
        if not 1 <= size <= MAX_RESULTS or wanted not in HEALTH_FILTERS:
            raise ApiError("InvalidInput", "MaxResults or HealthStatus is out of its range.")
        key, registered = self._find(parameters)
        found = matching(registered, parameters.get("QueryParameters", {}))
        found = matching(found, parameters.get("OptionalParameters", {})) or found
        namespace, _, service = key.partition("/")
        instances = [{"InstanceId": instance_id, "NamespaceName": namespace,
                      "ServiceName": service, "HealthStatus": instance.get("health", "HEALTHY"),
                      "Attributes": instance.get("attributes", {})}
                     for instance_id, instance in of_health(found, wanted).items()]
        return {"Instances": instances[:size],
                "InstancesRevision": self.world.state.cloud_map_revisions[key]}


def matching(registered, attributes):
    return {instance_id: instance for instance_id, instance in registered.items()
            if attributes.items() <= instance.get("attributes", {}).items()}


def of_health(registered, wanted):
    def only(health):
        return {instance_id: instance for instance_id, instance in registered.items()
                if instance.get("health", "HEALTHY") == health}
    if wanted == "ALL":
        return registered
    if wanted == "HEALTHY_OR_ELSE_ALL":
        return only("HEALTHY") or registered
    return only(wanted)
