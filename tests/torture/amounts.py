"""How much of everything: KITE_TORTURE_SCALE 0 (the default) is a minute in all, 1 is at length."""

import math
import os

from waiting import patience

SCALE = float(os.environ.get("KITE_TORTURE_SCALE", "0"))
SEED = int(os.environ.get("KITE_TORTURE_SEED", "20261126"))
FIGURES = []  # lines that are shown when all tests are over

# Then times are judged as they are promised: of a release build, on a machine with nothing else to
# do. Elsewhere a bound by the clock would be one more thing that fails by chance.
BY_THE_CLOCK = SCALE >= 1 and patience() == 1


def amount(short, at_length):
    return at_length * SCALE if SCALE else short


def count(short, at_length):
    return max(1, round(amount(short, at_length)))


def late(elsewhere):
    """Seconds beyond a promise: none where it is judged by the clock."""
    return 0.0 if BY_THE_CLOCK else elsewhere * patience()


def percentile(values, part):
    """The value that `part` of them are not above."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def figure(text):
    """Keeps what was measured, to be shown."""
    FIGURES.append(text)
