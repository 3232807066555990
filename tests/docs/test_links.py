"""What the pages link to is there, and nothing in them looks like a secret."""

import json
import re

import pytest

from documents import README, ROOT, anchors, metrics_of_the_program, pages

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]


def texts():
    """Every file of text that users copy from."""
    for path in [ROOT / "README.md", *sorted((ROOT / "examples").rglob("*"))]:
        if path.is_file() and path.suffix not in (".png", ".pyc"):
            yield path, path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        assert other.exists(), target
        if anchor:
            assert anchor in anchors(other.read_text(encoding="utf-8")), target


def test_paths_in_the_readme_exist():
    for path in re.findall(r"`((?:tests|src|examples|third_party)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path


def test_every_example_is_in_the_list():
    listed = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    for folder in sorted(each.name for each in (ROOT / "examples").iterdir() if each.is_dir()):
        if folder != "__pycache__":
            assert f"]({folder}/)" in listed, folder


def test_nothing_looks_like_a_secret():
    shapes = {
        "access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        "secret key": r"(?i)secret_?access_?key\W{1,4}[A-Za-z0-9/+=]{40}",
        "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
        "token": r"\b(?:ghp_|xox[bp]-|eyJhbGciOi)[\w-]{10,}",
        "password": r"(?i)\bpass(?:word|wd)\"?\s*(?:=|: ?['\"])\s*\w",
        "placeholder": r"(?i)<your[- _]|changeme|xxxx|\bTODO\b",
    }
    for path, text in texts():
        for name, shape in shapes.items():
            assert not re.search(shape, text), f"{path.relative_to(ROOT)}: {name}"


def test_accounts_are_those_that_aws_uses_in_its_documents():
    for path, text in texts():
        found = set(re.findall(r"(?<![\w.-])\d{12}(?![\w-])", text))
        assert found <= {"111122223333", "444455556666"}, path


def test_queries_ask_for_metrics_that_exist():
    metrics = metrics_of_the_program()
    histograms = {name + end for name in metrics for end in ("_bucket", "_sum", "_count")}
    folder = ROOT / "examples/monitoring"
    dashboard = json.loads((folder / "dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in walk_panels(dashboard["panels"])
               for target in panel.get("targets", [])]
    assert len(queries) > 10
    queries += re.findall(r"(?s)expr:(.*?)\n\s+for:",
                          (folder / "alerts.yml").read_text(encoding="utf-8"))
    for query in queries:
        names = set(re.findall(r"\bkite_\w+", query))
        assert names, query
        assert names <= metrics | histograms, query


def walk_panels(panels):
    for panel in panels:
        yield panel
        yield from walk_panels(panel.get("panels", []))
