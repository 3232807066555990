"""Runs the aws-tool (aws_tool.cc) in an environment of its own and talks to it."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = os.environ.get("KITE_AWS_TOOL", str(ROOT / "build" / "release" / "aws-tool"))


class AwsTool:
    """One process; ends with the `with` block."""

    def __init__(self, env, *arguments):
        self._process = subprocess.Popen([TOOL, *arguments], env={"PATH": "/usr/bin:/bin", **env},
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        code = self._process.wait(20)
        self._process.stdout.close()
        assert code == 0, f"the tool ended with {code}"

    def ask(self, order):
        """`order`: "credentials", an action such as "ecs:ListTasks", or seconds to let pass."""
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # it has said at its start what is wrong, and ended
            pass
        line = self._process.stdout.readline()
        assert line, "the tool ended without an answer"
        return json.loads(line)
