"""How much of everything: KITE_TORTURE_SCALE 0 (the default) is a minute in all, 1 is at length."""

import os

SCALE = float(os.environ.get("KITE_TORTURE_SCALE", "0"))
SEED = int(os.environ.get("KITE_TORTURE_SEED", "20261126"))
FIGURES = []  # lines that are shown when all tests are over


def amount(short, at_length):
    return at_length * SCALE if SCALE else short


def count(short, at_length):
    return max(1, round(amount(short, at_length)))


def figure(text):
    """Keeps what was measured; nothing is asserted of it."""
    FIGURES.append(text)
