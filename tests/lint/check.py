#!/usr/bin/env python3
"""Checks the habits of this source tree that no compiler checks.

Usage: check.py [--root DIR] [--words FILE]

Prints `file:line: rule: what to do` for each finding and ends with `N passed, N failed`, where one
rule on one file is one check. A comment `lint-allow(rule): reason` excuses its line and the next; a
file's length is excused in its first five lines. FILE lists words that no source may hold.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import rules
from include_table import IncludeTable

FOLDERS = ("src", "tests", "examples", "third_party")
SUFFIXES = (".h", ".cc", ".py")
EXCUSE = re.compile(r"lint-allow\(([\w-]+)\): \S")
FILE_EXCUSE_LINES = 5


class Lint:
    def __init__(self, root, words):
        self.root = root
        self.words = words
        self.table = IncludeTable((root / "tests/lint/include_rules.txt").read_text())
        self.passed = 0
        self.failed = 0

    def run(self):
        files = [rules.SourceFile(path, self.read(path)) for path in self.paths()]
        for file in files:
            for name, rule in self.rules_for(file):
                self.report(name, [(file, line, remedy) for line, remedy in rule(file)])
        by_path = {file.path: file for file in files}
        cycles = rules.folder_cycles(files)
        self.report("folder-cycle", [(by_path[path], line, fix) for path, line, fix in cycles])
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0

    def paths(self):
        for folder in FOLDERS:
            for directory, folders, names in os.walk(self.root / folder):
                folders[:] = sorted(f for f in folders if f not in ("__pycache__", "build"))
                for name in sorted(names):
                    if name.endswith(SUFFIXES):
                        yield (Path(directory) / name).relative_to(self.root).as_posix()

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def exists(self, path):
        return (self.root / path).is_file()

    def rules_for(self, file):
        yield "line-length", rules.line_length
        yield "file-length", rules.file_length
        yield "function-length", rules.function_length
        yield "todo-form", rules.todo_form
        yield "no-author", rules.no_author
        if self.words:
            yield "forbidden-word", self.forbidden_word
        if file.is_cpp:
            yield "pragma-once", rules.pragma_once
            yield "own-header-first", lambda f: rules.own_header_first(f, self.exists)
            yield "banned-call", rules.banned_call
        if file.is_cpp and file.is_product:
            yield "no-exceptions", rules.no_exceptions
            yield "include-rules", lambda f: rules.include_allowed(f, self.table, self.exists)

    def forbidden_word(self, file):
        for number, line in enumerate(file.lines, 1):
            for word in self.words:
                if re.search(rf"(?i)\b{re.escape(word)}\b", line):
                    yield number, f"{word}: say it without this word"

    def report(self, name, findings):
        open_findings = [f for f in findings if not excused(f[0], f[1], name)]
        for file, line, remedy in open_findings:
            print(f"{file.path}:{line}: {name}: {remedy}")
        if open_findings:
            self.failed += 1
        else:
            self.passed += 1


def excused(file, line, name):
    nearby = file.lines[max(0, line - 2) : line]
    if name == "file-length":
        nearby = file.lines[:FILE_EXCUSE_LINES]
    return any(match[1] == name for text in nearby for match in EXCUSE.finditer(text))


def main():
    parser = argparse.ArgumentParser(description="Checks the habits of this source tree.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--words", type=Path)
    options = parser.parse_args()
    words = options.words.read_text().split() if options.words else []
    return Lint(options.root, words).run()


if __name__ == "__main__":
    sys.exit(main())
