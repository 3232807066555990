#!/usr/bin/python3
"""Plays fleets of kites against one account's API limits, and says whether the targets are met.

    tests/fleet/fleet.py [--small] [--seed N] [--only NAME]

Prints a table in Markdown and writes build/fleet/fleet.md, fleet.json and a chart for each
scenario. Exits with 1 if a target is missed. README.md beside this file says what is played.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import fleet_chart  # noqa: E402
from fleet_scenarios import SCENARIOS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "fleet"
OUTPUT = ROOT / "build" / "fleet"


def play(options):
    """What happened, as the program tells it."""
    arguments = [f"-{name.replace('_', '-')}={value}" for name, value in options.items()]
    done = subprocess.run([PROGRAM, "play", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{PROGRAM} {' '.join(arguments)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def run(scenario, seed, small):
    """The findings of one scenario, each with whether it is as wanted, and what happened."""
    options = {**scenario.options, **(scenario.small if small else {}), "seed": seed}
    happened = play(options)
    return scenario.judge(happened, options), happened


def run_all(scenarios, seed, small):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda scenario: run(scenario, seed, small), scenarios))


def table(scenarios, results):
    lines = ["| fleet | measured | wanted | |", "| --- | --- | --- | --- |"]
    for scenario, (findings, _) in zip(scenarios, results):
        for index, finding in enumerate(findings):
            title = scenario.title if index == 0 else ""
            mark = {True: "met", False: "MISSED", None: ""}[finding.met]
            lines.append(f"| {title} | {finding.text} | {finding.wanted} | {mark} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="shorter plays, as in the tests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="NAME", help="one scenario by its name")
    options = parser.parse_args()
    scenarios = [scenario for scenario in SCENARIOS if options.only in (None, scenario.name)]
    if not scenarios:
        parser.error(f"no such scenario; there are {', '.join(s.name for s in SCENARIOS)}")
    results = run_all(scenarios, options.seed, options.small)
    text = table(scenarios, results)
    print(text)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "fleet.md").write_text(text + "\n")
    (OUTPUT / "fleet.json").write_text(json.dumps(
        {s.name: happened for s, (_, happened) in zip(scenarios, results)}))
    for scenario, (_, happened) in zip(scenarios, results):
        chart = fleet_chart.draw(scenario.title, happened, scenario.marks)
        (OUTPUT / f"{scenario.name}.svg").write_text(chart)
    print(f"charts: {OUTPUT}/*.svg")
    missed = [f for findings, _ in results for f in findings if f.met is False]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
