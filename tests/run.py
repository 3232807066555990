#!/usr/bin/env python3
"""Runs the test suites one after the other and adds up what they counted.

Usage: tests/run.py [SUITE ...]

The end-to-end suite runs twice: as e2e-asan with the sanitized program, as e2e-static with the
shipped one. The last line reads
`N passed, N failed` (with `, N skipped` when something was), summed over all suites; the exit code
is 0 only if nothing failed. A suite that ends without saying what it counted counts as one failure.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "reports"


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def run_and_keep_output(command, environment):
    """Streams the output and returns it with the exit code."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    return process.wait(), "".join(lines)


def judged(count, code):
    """A suite that failed without counting a failure, or counted nothing, has failed."""
    if (code != 0 and count.failed == 0) or (count.passed == 0 and count.failed == 0):
        count.failed += 1
    return count


def run_lint(command, environment):
    """Its thousands of checks count as one test, or as many failures as there are findings."""
    code, output = run_and_keep_output(command, environment)
    found = re.findall(r"^\d+ passed, (\d+) failed", output, re.MULTILINE)
    failed = int(found[-1]) if found else 1
    return judged(Count(passed=int(failed == 0), failed=failed), code)


def run_doctest(command, environment):
    code, output = run_and_keep_output(command, environment)
    found = re.findall(r"test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed", output)
    count = Count(*map(int, found[-1])) if found else Count()
    return judged(count, code)


def run_pytest(name, folders, environment):
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short",
               "-rs", f"--junitxml={report}", *folders]
    code, _ = run_and_keep_output(command, environment)
    count = Count()
    if report.exists():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            failed = int(suite.get("failures")) + int(suite.get("errors"))
            skipped = int(suite.get("skipped"))
            count.add(Count(int(suite.get("tests")) - failed - skipped, failed, skipped))
    return judged(count, code)


def replay_corpora(environment):
    total = Count()
    for target in sorted((ROOT / "tests" / "fuzz").glob("*_fuzz.cc")):
        name = target.stem
        corpus = ROOT / "tests" / "fuzz" / "corpus" / name.removesuffix("_fuzz")
        command = [str(ROOT / "build" / "asan" / "replay" / name), str(corpus)]
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True,
                                errors="replace")
        found = re.findall(r"^(\d+) passed, (\d+) failed", result.stdout, re.MULTILINE)
        count = judged(Count(*map(int, found[-1])) if found else Count(), result.returncode)
        if count.failed:
            print(result.stderr[-4000:])
        print(f"{name}: {count}")
        total.add(count)
    return total


def python_folders():
    """Every folder with pytest files but those that are suites of their own."""
    folders = {str(path.parent.relative_to(ROOT)) for path in (ROOT / "tests").glob("*/test_*.py")}
    return sorted(folders - {"tests/e2e", "tests/static"})


def suites():
    """Name, and what runs it; cheap ones first."""
    build = ROOT / "build"
    environment = {
        "KITE_TRAFFIC": str(build / "release" / "traffic"),
        "KITE_SIGN_TOOL": str(build / "asan" / "sign-tool"),
        "KITE_AWS_TOOL": str(build / "asan" / "aws-tool"),
        "KITE_TEST_DATA": str(ROOT / "tests" / "data"), **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1"}

    def pytest(name, folders, program):
        binary = str(build / program / "ecs-task-kite")
        return lambda: run_pytest(name, folders, {**environment, "KITE_BINARY": binary})

    unit_tests = str(build / "asan" / "unit-tests")
    return {
        "lint": lambda: run_lint([sys.executable, "tests/lint/check.py"], environment),
        "unit": lambda: run_doctest([unit_tests], environment),
        "replay": lambda: replay_corpora(environment),
        "python": pytest("python", python_folders(), "release"),
        "static": pytest("static", ["tests/static"], "static"),
        "e2e-asan": pytest("e2e-asan", ["tests/e2e"], "asan"),
        "e2e-static": pytest("e2e-static", ["tests/e2e"], "static"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="SUITE")
    options = parser.parse_args()
    table = suites()
    unknown = set(options.names) - set(table)
    if unknown:
        parser.error(f"unknown suite {sorted(unknown)}; there are {', '.join(table)}")
    REPORTS.mkdir(parents=True, exist_ok=True)
    total = Count()
    lines = []
    for name in options.names or table:
        print(f"=== {name}", flush=True)
        started = time.monotonic()
        count = table[name]()
        lines.append(f"{name:10} {count} ({time.monotonic() - started:.0f} s)")
        total.add(count)
    print("=== all suites")
    print("\n".join(lines))
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
