"""The end-to-end suite's fixtures, and the figures that the torture tests saw."""

import importlib.util
import pathlib
import sys

E2E = pathlib.Path(__file__).resolve().parent.parent / "e2e"
sys.path.insert(0, str(E2E))

from amounts import FIGURES  # noqa: E402

_spec = importlib.util.spec_from_file_location("conftest_of_e2e", E2E / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

Scenario = _fixtures.Scenario
aws, farm, scenario, port = (_fixtures.aws, _fixtures.farm, _fixtures.scenario, _fixtures.port)
start_kite, program_is_built = _fixtures.start_kite, _fixtures.program_is_built
sayings, no_secret_is_told = _fixtures.sayings, _fixtures.no_secret_is_told
pytest_configure = _fixtures.pytest_configure
pytest_runtest_makereport = _fixtures.pytest_runtest_makereport


def pytest_terminal_summary(terminalreporter):
    for figure in FIGURES:
        terminalreporter.write_line(figure)
