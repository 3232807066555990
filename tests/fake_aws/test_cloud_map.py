"""The fake's Cloud Map, asked by boto3 and by hand."""

import json

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

from .builders import STATIC_ACCESS_KEY, STATIC_SECRET, registered_instance
from .raw_client import JSON_TYPE, send, signed


@pytest.fixture
def cloud_map(aws):
    """Without the prefix `data-` that botocore puts before any host, the fake's too."""
    config = botocore.config.Config(inject_host_prefix=False, proxies={},
                                    retries={"total_max_attempts": 1})
    return boto3.client("servicediscovery", endpoint_url=aws.urls["servicediscovery"],
                        region_name=aws.region, aws_access_key_id=STATIC_ACCESS_KEY,
                        aws_secret_access_key=STATIC_SECRET, config=config)


def refusal(call, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"]


def ids(answer):
    return sorted(instance["InstanceId"] for instance in answer["Instances"])


def test_instances_with_attributes_and_health(aws, cloud_map):
    aws.register("shop", "orders", "t1", registered_instance("10.0.0.1", 8080, slice="blue"))
    aws.register("shop", "orders", "t2", registered_instance("10.0.0.2", health="UNHEALTHY"))
    service = {"NamespaceName": "shop", "ServiceName": "orders"}
    whole = cloud_map.discover_instances(**service, HealthStatus="ALL", MaxResults=1000)
    assert ids(whole) == ["t1", "t2"]
    first = whole["Instances"][0]
    assert first["NamespaceName"] == "shop" and first["ServiceName"] == "orders"
    assert first["HealthStatus"] == "HEALTHY"
    assert first["Attributes"] == {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "8080",
                                   "AVAILABILITY_ZONE": "eu-west-1a", "REGION": "eu-west-1",
                                   "ECS_CLUSTER_NAME": "default", "ECS_SERVICE_NAME": "orders",
                                   "ECS_TASK_DEFINITION_FAMILY": "orders", "slice": "blue"}
    for wanted, expected in (("HEALTHY", ["t1"]), ("UNHEALTHY", ["t2"]),
                             ("HEALTHY_OR_ELSE_ALL", ["t1"])):
        assert ids(cloud_map.discover_instances(**service, HealthStatus=wanted)) == expected
    by_slice = cloud_map.discover_instances(**service, QueryParameters={"slice": "blue"})
    assert ids(by_slice) == ["t1"]
    assert len(cloud_map.discover_instances(**service, HealthStatus="ALL",
                                            MaxResults=1)["Instances"]) == 1
    aws.register("shop", "orders", "t1", registered_instance("10.0.0.1", health="UNHEALTHY"))
    assert ids(cloud_map.discover_instances(**service)) == ["t1", "t2"]


def test_the_list_goes_with_its_revision(aws, cloud_map):
    service = {"NamespaceName": "shop", "ServiceName": "orders"}
    aws.register("shop", "orders", "t1", registered_instance("10.0.0.1"))
    answer = cloud_map.discover_instances(**service)
    assert isinstance(answer.get("InstancesRevision", 1), int)  # older models do not know it


def raw(aws, operation, body):
    url = aws.urls["servicediscovery"]
    data = json.dumps(body).encode()
    target = "Route53AutoNaming_v20170314." + operation
    headers = signed(url, "servicediscovery", {"Content-Type": JSON_TYPE, "X-Amz-Target": target},
                     data)
    return send(url, headers, data)


def test_the_revision_grows_when_instances_come_and_go_not_with_their_health(aws):
    service = {"NamespaceName": "shop", "ServiceName": "orders"}

    def revision():
        answer = raw(aws, "DiscoverInstancesRevision", service).json["InstancesRevision"]
        assert raw(aws, "DiscoverInstances", service).json["InstancesRevision"] == answer
        return answer
    aws.register("shop", "orders", "t1", registered_instance("10.0.0.1"))
    first = revision()
    aws.register("shop", "orders", "t1", registered_instance("10.0.0.1", health="UNHEALTHY"))
    assert revision() == first
    aws.register("shop", "orders", "t2", registered_instance("10.0.0.2"))
    second = revision()
    aws.deregister("shop", "orders", "t2")
    assert first < second < revision()


def test_refusals(aws, cloud_map):
    aws.register("shop", "orders", "t1", registered_instance("10.0.0.1"))
    call = cloud_map.discover_instances
    assert refusal(call, NamespaceName="none", ServiceName="orders") == "NamespaceNotFound"
    assert refusal(call, NamespaceName="shop", ServiceName="none") == "ServiceNotFound"
    assert raw(aws, "DiscoverInstances", {"NamespaceName": "shop"}).code == "InvalidInput"
    service = {"NamespaceName": "shop", "ServiceName": "orders"}
    for more in ({"MaxResults": 1001}, {"MaxResults": 0}, {"HealthStatus": "WELL"}):
        assert raw(aws, "DiscoverInstances", {**service, **more}).code == "InvalidInput"
    assert raw(aws, "RegisterInstance", service).code == "UnknownOperationException"
    aws.deny("servicediscovery:DiscoverInstances")
    assert refusal(call, **service) == "AccessDeniedException"
    assert raw(aws, "DiscoverInstancesRevision", service).status == 200
    aws.deny()
    aws.set_throttle({"servicediscovery": {"burst": 1, "rate": 0.001},
                      "servicediscovery_revision": {"burst": 2, "rate": 0.001}})
    call(**service)
    assert refusal(call, **service) == "RequestLimitExceeded"
    assert [raw(aws, "DiscoverInstancesRevision", service).status for _ in range(3)] == [
        200, 200, 400]
