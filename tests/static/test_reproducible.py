"""Two builds of the same sources in different folders give the same bytes. Takes minutes."""

import os
import shutil
import subprocess

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(os.environ.get("KITE_STATIC_REPRODUCE") != "1",
                                reason="builds everything again: set KITE_STATIC_REPRODUCE=1")
MADE = ("ecs-task-kite", "sbom.cdx.json")


def built(folder, program):
    """The files of a build from nothing in `folder`, but for the downloads."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True)
    for name in filter(None, names.stdout.decode().split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    shutil.copytree(ROOT / "build/third_party/downloads", folder / "build/third_party/downloads")
    arch = program.parent.name.removeprefix("static").removeprefix("-")
    subprocess.run(["make", "static", *([f"ARCH={arch}"] if arch else [])], cwd=folder, check=True)
    return [(folder / "build" / program.parent.name / name).read_bytes() for name in MADE]


def test_two_folders_one_program(program, tmp_path):
    again = built(tmp_path / "another/much/deeper/folder", program)
    assert again == [(program.parent / name).read_bytes() for name in MADE]
