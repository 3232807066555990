"""README, examples and sources as text, and what can be picked out of them."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = {path: path.read_text(encoding="utf-8")
           for path in sorted((ROOT / "src").rglob("*")) if path.suffix in (".cc", ".h")}
CODE = "\n".join(SOURCES.values())


def pages():
    """Every Markdown page whose readers are users."""
    return [ROOT / "README.md", *sorted((ROOT / "examples").rglob("*.md"))]


def first_cells(prefix):
    """What stands between backticks in the first cells of table rows that begin with `prefix`."""
    rows = re.findall(r"^\| (`" + re.escape(prefix) + r"[^|]*)\|", README, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def flags_of_the_program():
    """The names in the table that -help and the parser read."""
    table = (ROOT / "src/cli/flag_specs.cc").read_text(encoding="utf-8")
    return set(re.findall(r'\{FlagId::\w+, Topic::\w+, "([a-z0-9-]+)"', table))


def metrics_of_the_program():
    return set(re.findall(r'"(kite_[a-z0-9_]+)"', CODE))


def events_of_the_program(levels):
    """The first argument of every call of the logger at one of `levels`."""
    calls = "|".join(levels)
    return set(re.findall(rf'(?:\.|->)\s*(?:{calls})\(\s*"([a-z0-9_]+)"', CODE))


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
