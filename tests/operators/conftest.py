"""The end-to-end suite's fixtures, for tests that look at the program with tools of others and so
run once, not with every build of it."""

import importlib.util
import pathlib
import sys

E2E = pathlib.Path(__file__).resolve().parent.parent / "e2e"
sys.path.insert(0, str(E2E))
_spec = importlib.util.spec_from_file_location("e2e_fixtures", E2E / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

aws, farm, scenario, port = (_fixtures.aws, _fixtures.farm, _fixtures.scenario, _fixtures.port)
start_kite, program_is_built = _fixtures.start_kite, _fixtures.program_is_built
sayings, no_secret_is_told = _fixtures.sayings, _fixtures.no_secret_is_told
pytest_runtest_makereport = _fixtures.pytest_runtest_makereport
