#!/usr/bin/python3
"""Plays fleets of kites against one account's API limits, and says whether the targets are met.

    tests/fleet/fleet.py [--small] [--seeds N ...] [--only NAME]

Prints a table in Markdown, and leaves it in build/fleet with a chart and the counts of each
scenario's first seed. Exits with 1 if a target is missed. README.md beside this file says what is
played.
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
from fleet_scenarios import SCENARIOS, over_seeds  # noqa: E402

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


def run_all(scenarios, seeds, small):
    """For each scenario what run() says, seed by seed."""
    plays = [(scenario, seed, small) for seed in seeds for scenario in scenarios]
    plays.sort(key=lambda play: -play[0].options["kites"])  # the longest first
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda play: run(*play), plays))
    return [[result for (scenario, _, _), result in zip(plays, results) if scenario is wanted]
            for wanted in scenarios]


def table(scenarios, results, seeds):
    lines = [f"| fleet | measured, seeds {', '.join(map(str, seeds))} | wanted | |",
             "| --- | --- | --- | --- |"]
    for scenario, plays in zip(scenarios, results):
        for index, findings in enumerate(zip(*(findings for findings, _ in plays))):
            text, wanted, met = over_seeds(findings)
            mark = {True: "met", False: "MISSED", None: ""}[met]
            lines.append(f"| {scenario.title if index == 0 else ''} | {text} | {wanted} | {mark} |")
    return "\n".join(lines)


def write(scenarios, results, text):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "fleet.md").write_text(text + "\n")
    for scenario, plays in zip(scenarios, results):
        happened = plays[0][1]  # of the first seed
        (OUTPUT / f"{scenario.name}.json").write_text(json.dumps(happened))
        chart = fleet_chart.draw(scenario.title, happened, scenario.marks, scenario.limit)
        (OUTPUT / f"{scenario.name}.svg").write_text(chart)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="shorter plays, as in the tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--only", metavar="NAME", help="one scenario by its name")
    options = parser.parse_args()
    scenarios = [scenario for scenario in SCENARIOS if options.only in (None, scenario.name)
                 and (scenario.small is not None or not options.small)]
    if not scenarios:
        parser.error(f"no such scenario; there are {', '.join(s.name for s in SCENARIOS)}")
    results = run_all(scenarios, options.seeds, options.small)
    text = table(scenarios, results, options.seeds)
    print(text)
    write(scenarios, results, text)
    print(f"charts: {OUTPUT}/*.svg")
    findings = [finding for plays in results for found, _ in plays for finding in found]
    return 1 if any(finding.met is False for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
