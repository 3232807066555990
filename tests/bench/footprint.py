#!/usr/bin/env python3
"""Measures what the kite, HAProxy and nginx take of a machine: disk, start, memory.

Usage: tests/bench/footprint.py [--polls N] [--readme]

Writes build/bench/footprint.json, .md and .svg. --readme measures nothing: it puts the table that
was made last into README.md. KITE_BINARY names another kite.
"""

import argparse
import datetime
import json
import platform
import shutil
import tempfile

import footprint_report
import measures
from holders import EchoServer
from memory import uncached
from peers import HAPROXY, NGINX, NGINX_MODULE, ROOT, Haproxy, Kite, Nginx, free_port
from peers import bridge_task, instance, kite_binary
from tls_cloud import CA_BUNDLE, TlsCloud

OUTPUT = ROOT / "build" / "bench"
# The shipped program linked so that it skips its waits: a thousand polls take seconds.
HURRIED = ROOT / "build" / "static" / "hurried-kite"
STARTS = 21
FEW, MANY = 1000, 9000
TASKS_FEW, TASKS_MANY, EXTRA_HOSTS = 20, 2000, 200
LIMIT_BYTES, LIMIT_EXCHANGE_BYTES = 12_000_000, 16384


class Figures:
    """Numbers by figure and proxy, in the order in which they came."""

    def __init__(self):
        self.found = {}

    def put(self, proxy, **numbers):
        for figure, number in numbers.items():
            self.found.setdefault(figure, {})[proxy] = number
            print(f"  {proxy:8} {figure:24} {number}", flush=True)


def measure_disk(figures):
    # The kite beside the CA bundle is what the image holds.
    for proxy, files in (("kite", [kite_binary(), str(CA_BUNDLE)]),
                         ("haproxy", measures.files_of(HAPROXY)),
                         ("nginx", measures.files_of(NGINX, NGINX_MODULE))):
        plain, packed = measures.disk(files)
        figures.put(proxy, disk=plain, compressed=packed)


def measure_start(figures, backend):
    def kite():
        port = free_port()
        return Kite([backend], port, flags=[f"-port={port}"])
    figures.put("kite", start=measures.start_seconds(kite, STARTS))
    figures.put("haproxy", start=measures.start_seconds(lambda: Haproxy([backend]), STARTS))
    figures.put("nginx", start=measures.start_seconds(lambda: Nginx([backend]), STARTS))


def measure_memory(figures, makers):
    for proxy, make in makers.items():
        idle = measures.idle_memory(make, (FEW, MANY))
        numbers = {"idle_rss": idle["rss"], "idle_pss": idle["pss"]}
        kernel_idle = idle["kernel"]
        for count, opened in idle["open"].items():
            numbers[f"rss_{count}"] = opened["rss"]
            numbers[f"each_{count}"] = (opened["rss"] - idle["rss"]) / count
            if kernel_idle is not None:
                numbers[f"kernel_each_{count}"] = (opened["kernel"] - kernel_idle) / count
        numbers["kept"] = idle["closed_rss"] - idle["rss"]
        figures.put(proxy, **numbers, busy_rss=measures.busy_memory(make))


def measure_polls(figures, make, hurried, polls):
    if hurried.exists():
        first, last = measures.polls_memory(
            lambda: make(flags=["-poll=1s-1s"], program=hurried), polls)
        figures.put("kite", polled_rss=last, polled_growth=last - first)
    few, many, fewer = measures.tasks_memory(lambda: make(flags=["-poll=2s-2s"]), put_many_tasks)
    figures.put("kite", tasks_growth=many[0] - few[0], tasks_growth_most=many[1] - few[0],
                tasks_kept=fewer[0] - few[0])


def measure_limit(figures, make, cloud):
    """The program's pages count too, as in a container that was just pulled."""
    with tempfile.TemporaryDirectory(prefix="bench-limit-") as folder:
        program = shutil.copy(kite_binary(), folder)
        for file in (program, cloud.bundle):
            uncached(file)
        figures.put("kite", limited=measures.survives_limit(
            lambda **options: make(program=program, **options), LIMIT_BYTES, FEW,
            LIMIT_EXCHANGE_BYTES))


def put_many_tasks(kite):
    hosts = [instance(f"10.1.0.{index + 1}") for index in range(EXTRA_HOSTS)]
    kite.aws.put_instances(hosts)
    kite.aws.put_tasks([
        bridge_task("default", "web", 7, "app", [(kite.port, 32768 + index // EXTRA_HOSTS)],
                    hosts[index % EXTRA_HOSTS])
        for index in range(TASKS_MANY - TASKS_FEW)])


def processor():
    with open("/proc/cpuinfo") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def measure(polls):
    """Everything, as what the report is made from."""
    figures = Figures()
    measure_disk(figures)
    with EchoServer() as server, TlsCloud() as cloud:
        measure_start(figures, ("127.0.0.2", server.port))
        backends = [(f"127.0.1.{index + 1}", server.port) for index in range(TASKS_FEW)]
        makers = {
            "kite": lambda **options: Kite(backends, cloud=cloud, **options),
            "haproxy": lambda **options: Haproxy(backends, **options),
            "nginx": lambda **options: Nginx(backends, **options)}
        measure_memory(figures, makers)
        measure_polls(figures, makers["kite"], HURRIED, polls)
        measure_limit(figures, makers["kite"], cloud)
    return {"date": datetime.date.today().isoformat(), "kernel": platform.release(),
            "processor": processor(), "polls": polls, "figures": figures.found,
            "versions": {"kite": Kite.version(), "haproxy": Haproxy.version(),
                         "nginx": Nginx.version()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--polls", type=int, default=1000, help="how many before the RSS counts")
    parser.add_argument("--readme", action="store_true", help="only copy the table to README.md")
    options = parser.parse_args()
    if options.readme:
        found = json.loads((OUTPUT / "footprint.json").read_text())
        return footprint_report.write_readme(ROOT / "README.md", found)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    found = measure(options.polls)
    (OUTPUT / "footprint.json").write_text(json.dumps(found, indent=2) + "\n")
    (OUTPUT / "footprint.md").write_text(footprint_report.markdown(found))
    (OUTPUT / "footprint.svg").write_text(footprint_report.chart(found))
    print((OUTPUT / "footprint.md").read_text())


if __name__ == "__main__":
    main()
