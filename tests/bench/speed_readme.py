"""The README's table of speed, made from build/bench/speed.json, which `make bench` wrote last.

Usage: tests/bench/speed_readme.py
"""

import json
import pathlib

import footprint_report
from speed_report import BY_KEY, label, number
from speed_workloads import KITE, LARGE, NGINX, USUAL, WORKLOADS

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN = "<!-- speed: made by tests/bench/speed_readme.py -->"
END = "<!-- speed: end -->"
COLUMNS = (KITE, USUAL, LARGE, NGINX)


def table(found):
    """CPU time of each proxy for each workload that was measured for all; Markdown."""
    figures = {(one["workload"], one["contender"]): one.get("cpu") for one in found["medians"]}
    rows = [["CPU time of the proxy", *map(label, COLUMNS)], ["---"] * (1 + len(COLUMNS))]
    for workload in WORKLOADS:
        costs = [figures.get((workload.key, name)) for name in COLUMNS]
        if all(costs):
            unit = "s/GB" if workload.is_bulk else "us"
            rows.append([BY_KEY[workload.key].title, *(f"{number(one)} {unit}" for one in costs)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def conditions(facts):
    versions = ", ".join(f"{name} {text}" for name, text in facts["versions"].items())
    return (f"{facts['date']}, {facts['kernel']}, {facts['cpus']} CPUs; {versions};\nmedians of at "
            f"least {facts['rounds']} rounds.")


def lost_rounds(failures):
    """What the peers lost, in words under the table."""
    lines = [f"- {label(one['contender'])}, {one['workload']}: {one['why']}" for one in failures]
    return "\n\nRounds that do not count:\n\n" + "\n".join(lines) if lines else ""


def between_markers(text, content):
    return footprint_report.between_markers(text, f"{content}\n", BEGIN, END)


def main():
    found = json.loads((ROOT / "build/bench/speed.json").read_text())
    if own := [one for one in found["failures"] if one["contender"] == KITE]:
        raise SystemExit(f"the kite failed in the bench: {own}")
    readme = ROOT / "README.md"
    content = f"{conditions(found['facts'])}\n\n{table(found)}{lost_rounds(found['failures'])}"
    readme.write_text(between_markers(readme.read_text(), content))


if __name__ == "__main__":
    main()
