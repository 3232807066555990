"""Builders of state objects: what the Describe calls return, with defaults tests seldom change.

Every builder returns a plain dict that may be edited before it is put. `extra` keywords are members
that replace or join the built ones (`lastStatus="PENDING"`); the fake's own `_` keys are given the
same way.
Ids are derived from the arguments or drawn at random, always in AWS's real form.
"""

import hashlib
import uuid

REGION = "eu-west-1"
ACCOUNT = "111122223333"
STATIC_ACCESS_KEY = "AKIDEXAMPLE"
STATIC_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def task_arn(cluster, task_id):
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{task_id}"


def cluster_arn(cluster):
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{cluster}"


def task_definition_arn(family, revision):
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:{revision}"


def container_instance_id(instance_id):
    """The container instance that stands for an EC2 instance: derived, so no test carries it."""
    return hashlib.md5(instance_id.encode()).hexdigest()


def container_instance_arn(cluster, instance_id):
    own_id = container_instance_id(instance_id)
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/{cluster}/{own_id}"


def new_task_id():
    return uuid.uuid4().hex


def id_of(thing):
    """The id of a task, container instance, instance or interface given as dict, ARN or id."""
    if isinstance(thing, dict):
        for key in ("taskArn", "containerInstanceArn", "instanceId", "networkInterfaceId"):
            if key in thing:
                thing = thing[key]
                break
    return thing.rsplit("/", 1)[-1]


def instance(private_ip, public_ip=None, instance_id=None, zone=REGION + "a", ipv6=None, **extra):
    """One EC2 instance as DescribeInstances shows it, running."""
    if instance_id is None:
        instance_id = "i-" + hashlib.md5(f"instance {private_ip}".encode()).hexdigest()[:17]
    interface = {"networkInterfaceId": "eni-" + instance_id[2:], "status": "in-use",
                 "privateIpAddress": private_ip,
                 "attachment": {"deviceIndex": 0, "status": "attached"},
                 "privateIpAddressesSet": [{"privateIpAddress": private_ip, "primary": True}],
                 "ipv6AddressesSet": [{"ipv6Address": ipv6}] if ipv6 else []}
    made = {"instanceId": instance_id, "imageId": "ami-0123456789abcdef0",
            "instanceState": {"code": 16, "name": "running"},
            "privateDnsName": f"ip-{private_ip.replace('.', '-')}.{REGION}.compute.internal",
            "dnsName": None, "instanceType": "t3.small", "launchTime": "2026-01-02T03:04:05.000Z",
            "placement": {"availabilityZone": zone, "groupName": None, "tenancy": "default"},
            "vpcId": "vpc-0123456789abcdef0", "subnetId": "subnet-0123456789abcdef0",
            "privateIpAddress": private_ip}
    if public_ip:
        made["ipAddress"] = public_ip
        interface["association"] = {"publicIp": public_ip, "ipOwnerId": "amazon"}
    if ipv6:
        made["ipv6Address"] = ipv6
    made["networkInterfaceSet"] = [interface]
    made.update(extra)
    return made


def container_instance(instance_id, cluster="default", **extra):
    """The container instance of an EC2 instance (id or dict); `mi-...` makes an Anywhere one."""
    instance_id = id_of(instance_id)
    made = {"containerInstanceArn": container_instance_arn(cluster, instance_id),
            "ec2InstanceId": instance_id, "status": "ACTIVE", "agentConnected": True, "version": 3,
            "runningTasksCount": 1, "pendingTasksCount": 0, "_cluster": cluster}
    made.update(extra)
    return made


def _task(cluster, family, revision, launch_type, container, service, zone, task_id, extra):
    task_id = task_id or new_task_id()
    made = {"taskArn": task_arn(cluster, task_id), "clusterArn": cluster_arn(cluster),
            "taskDefinitionArn": task_definition_arn(family, revision), "launchType": launch_type,
            "group": f"service:{service}" if service else f"family:{family}",
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "healthStatus": "UNKNOWN",
            "connectivity": "CONNECTED", "availabilityZone": zone, "version": 4,
            "createdAt": 1767322800.12, "startedAt": 1767322811.903, "attachments": [],
            "containers": [container]}
    made.update(extra)
    return made


def container(name, bindings=(), interfaces=(), status="RUNNING", health="UNKNOWN", **extra):
    """One container of a task; `bindings` and `interfaces` are used as they are."""
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:container/{uuid.uuid4()}"
    made = {"name": name, "containerArn": arn,
            "lastStatus": status, "healthStatus": health, "runtimeId": uuid.uuid4().hex,
            "networkBindings": list(bindings), "networkInterfaces": list(interfaces)}
    made.update(extra)
    return made


def binding(container_port, host_port, bind_ip="0.0.0.0", protocol="tcp"):
    return {"bindIP": bind_ip, "containerPort": container_port, "hostPort": host_port,
            "protocol": protocol}


def range_binding(container_range, host_range, bind_ip="0.0.0.0", protocol="tcp"):
    """A port range binding, ranges as AWS writes them: "8080-8085"."""
    return {"bindIP": bind_ip, "containerPortRange": container_range, "hostPortRange": host_range,
            "protocol": protocol}


def bridge_task(cluster, family, revision, name, ports, on, service=None, health="UNKNOWN",
                zone=REGION + "a", task_id=None, **extra):
    """A bridge-mode task. `ports`: (container_port, host_port) pairs or whole binding dicts; `on`:
    the EC2 instance (id or dict) it runs on."""
    bindings = [p if isinstance(p, dict) else binding(*p) for p in ports]
    members = {"containerInstanceArn": container_instance_arn(cluster, id_of(on)),
               "healthStatus": health, **extra}
    made = container(name, bindings, health=health)
    return _task(cluster, family, revision, "EC2", made, service, zone, task_id, members)


def host_task(cluster, family, revision, name, on, **options):
    """A host-mode task: no bindings, no interface; its ports are in the task definition only."""
    return bridge_task(cluster, family, revision, name, [], on, **options)


def eni_attachment(private_ip, eni_id):
    return {"id": str(uuid.uuid4()), "type": "ElasticNetworkInterface", "status": "ATTACHED",
            "details": [{"name": "subnetId", "value": "subnet-0123456789abcdef0"},
                        {"name": "networkInterfaceId", "value": eni_id},
                        {"name": "macAddress", "value": "0a:1b:2c:3d:4e:5f"},
                        {"name": "privateDnsName",
                         "value": f"ip-{private_ip.replace('.', '-')}.{REGION}.compute.internal"},
                        {"name": "privateIPv4Address", "value": private_ip}]}


def eni_id_for(private_ip):
    return "eni-" + hashlib.md5(f"interface {private_ip}".encode()).hexdigest()[:17]


def awsvpc_task(cluster, family, revision, name, private_ip, on=None, eni=None, service=None,
                health="UNKNOWN", zone=REGION + "a", task_id=None, ipv6=None, **extra):
    """An awsvpc task with its own interface; `on` an EC2 instance, or None for Fargate."""
    attachment = eni_attachment(private_ip, id_of(eni) if eni else eni_id_for(private_ip))
    interface = {"attachmentId": attachment["id"], "privateIpv4Address": private_ip}
    if ipv6:
        interface["ipv6Address"] = ipv6
    members = {"attachments": [attachment], "healthStatus": health}
    if on is not None:
        members["containerInstanceArn"] = container_instance_arn(cluster, id_of(on))
    members.update(extra)
    return _task(cluster, family, revision, "FARGATE" if on is None else "EC2",
                 container(name, [], [interface], health=health), service, zone, task_id, members)


def fargate_task(cluster, family, revision, name, private_ip, eni=None, **options):
    """A Fargate task: awsvpc without an instance. Put `eni(...)` too for a public address."""
    return awsvpc_task(cluster, family, revision, name, private_ip, None, eni, **options)


def eni(private_ip, public_ip=None, eni_id=None, **extra):
    """One network interface as DescribeNetworkInterfaces shows it."""
    address = {"privateIpAddress": private_ip, "primary": True}
    made = {"networkInterfaceId": eni_id or eni_id_for(private_ip), "status": "in-use",
            "vpcId": "vpc-0123456789abcdef0", "privateIpAddress": private_ip,
            "privateIpAddressesSet": [address], "ipv6AddressesSet": []}
    if public_ip:
        made["association"] = {"publicIp": public_ip, "ipOwnerId": "amazon"}
        address["association"] = made["association"]
    made.update(extra)
    return made


def registered_instance(ipv4, port=None, health="HEALTHY", zone=REGION + "a", cluster="default",
                        service="orders", family="orders", on=None, **attributes):
    """An instance as ECS registers a task with Cloud Map. `on` an EC2 instance (bridge and host
    mode); further attributes replace or join those of ECS, None leaves one out."""
    made = {"AWS_INSTANCE_IPV4": ipv4, "AWS_INSTANCE_PORT": None if port is None else str(port),
            "AVAILABILITY_ZONE": zone, "REGION": REGION, "ECS_CLUSTER_NAME": cluster,
            "ECS_SERVICE_NAME": service, "ECS_TASK_DEFINITION_FAMILY": family,
            "EC2_INSTANCE_ID": id_of(on) if on else None, **attributes}
    return {"health": health,
            "attributes": {key: value for key, value in made.items() if value is not None}}


def task_definition(family, revision, network_mode, containers, **extra):
    """A task definition. `containers`: {name: [container ports or whole portMapping dicts]};
    `network_mode` None leaves the member out, which means bridge."""
    definitions = []
    for name, ports in containers.items():
        mappings = [p if isinstance(p, dict) else
                    {"containerPort": p, "hostPort": 0 if network_mode in (None, "bridge") else p,
                     "protocol": "tcp"} for p in ports]
        definitions.append({"name": name, "image": "busybox", "portMappings": mappings})
    made = {"taskDefinitionArn": task_definition_arn(family, revision), "family": family,
            "revision": revision, "status": "ACTIVE", "containerDefinitions": definitions}
    if network_mode is not None:
        made["networkMode"] = network_mode
    made.update(extra)
    return made


def fault(operation="*", service="*", times=None, skip=0, **action):
    """A fault: `fault("ListTasks", times=2, status=500, body="")`; keywords are its action."""
    return {"match": {"service": service, "operation": operation}, "times": times, "skip": skip,
            "action": action}


def throttled(operation="*", service="ecs", times=None, skip=0):
    """The throttling error of ECS or EC2 as a fault."""
    error = ({"code": "RequestLimitExceeded", "status": 503, "message": "Request limit exceeded."}
             if service == "ec2" else
             {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"})
    return fault(operation, service, times, skip, error=error)
