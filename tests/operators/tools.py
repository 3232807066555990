"""Programs of others that judge the kite."""

import shutil

import pytest


def tool(name, package):
    """The path of a program that a Debian package brings; without it the test has failed."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: install {package}", pytrace=False)
    return found
