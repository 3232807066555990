"""Fleets keep within the account's limits: short plays of every scenario, the same at each run."""

import pytest

from fleet import PROGRAM, play, run
from fleet_scenarios import SCENARIOS, Scenario
import fleet_chart

SEED = 1
SMALL = [scenario for scenario in SCENARIOS if scenario.small is not None]


@pytest.mark.parametrize("scenario", SMALL, ids=lambda scenario: scenario.name)
def test_targets(scenario: Scenario):
    findings, happened = run(scenario, SEED, small=True)
    missed = [f"{finding}; wanted: {finding.wanted}" for finding in findings
              if finding.met is False]
    assert not missed, f"{PROGRAM}, seed {SEED}: " + "\n".join(missed)
    assert any(finding.met for finding in findings)
    assert "polyline" in fleet_chart.draw(scenario.title, happened, scenario.marks)


def test_the_same_seed_plays_the_same():
    options = {"kites": 30, "seconds": 120, "replace_every": 20}
    assert play({**options, "seed": 7}) == play({**options, "seed": 7})
    assert play({**options, "seed": 7}) != play({**options, "seed": 8})
