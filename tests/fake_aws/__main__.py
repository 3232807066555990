"""Starts the listeners, says where they are, runs until told to stop. See README.md."""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import ssl
import sys

if __package__ in (None, ""):  # run as a folder: make it a package, and keep its names off the path
    sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from fake_aws.cloud_map import CloudMap  # noqa: E402
from fake_aws.control import Control  # noqa: E402
from fake_aws.ec2 import Ec2  # noqa: E402
from fake_aws.ecs import Ecs  # noqa: E402
from fake_aws.imds import Imds  # noqa: E402
from fake_aws.metadata import Metadata  # noqa: E402
from fake_aws.sts import Sts  # noqa: E402
from fake_aws.wire import Connection, Listener  # noqa: E402
from fake_aws.world import World  # noqa: E402

LISTENERS = ("ecs", "ec2", "sts", "servicediscovery", "metadata", "imds", "control")


def parse_flags(argv):
    parser = argparse.ArgumentParser(prog="fake_aws", description="A local stand-in for AWS.")
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--account", default="111122223333")
    parser.add_argument("--state", help="JSON file with the initial state")
    parser.add_argument("--tls-cert", help="PEM certificate: ECS, EC2, STS over TLS")
    parser.add_argument("--tls-key", help="PEM key of --tls-cert")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end at EOF on stdin")
    parser.add_argument("--host", default="127.0.0.1")
    for name in LISTENERS:
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0: any free port")
    return parser.parse_args(argv)


def stop_at_end_of_stdin(loop, stop):
    def readable():
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stop.set()
    try:
        loop.add_reader(0, readable)
    except (PermissionError, ValueError, OSError):  # a file or /dev/null: epoll does not take it
        stop.set()


async def listen(flags, name, handler, world, context):
    """Opens one listener; returns (server, its URL)."""
    listener = Listener(name, handler, world.clock)
    world.counters.listeners.append(listener)
    context = context if name in ("ecs", "ec2", "sts", "servicediscovery") else None
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(listener), flags.host, getattr(flags, name + "_port"), ssl=context,
        backlog=1024)
    port = server.sockets[0].getsockname()[1]
    return server, f"{'https' if context else 'http'}://{flags.host}:{port}"


async def run(flags):
    world = World(flags.region, flags.account)
    if flags.state:
        world.state.replace(json.loads(pathlib.Path(flags.state).read_text(encoding="utf-8")))
    context = None
    if flags.tls_cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(flags.tls_cert, flags.tls_key)
    imds = Imds(world)
    services = [Ecs(world), Ec2(world), Sts(world), CloudMap(world), Metadata(world), imds]
    handlers = {service.name: service.handle for service in services}
    handlers["control"] = Control(world, imds).handle
    for service in services:
        world.counters.service(service.name)  # present in the counters before the first call
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    urls, servers = {}, []
    for name in LISTENERS:
        server, urls[name] = await listen(flags, name, handlers[name], world, context)
        servers.append(server)
    print(json.dumps(urls), flush=True)
    if flags.exit_with_stdin:
        stop_at_end_of_stdin(loop, stop)
    await stop.wait()
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(run(parse_flags(sys.argv[1:])))
