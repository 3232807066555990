"""The pure parts of the footprint bench: table, targets, chart, the README's markers."""

import xml.etree.ElementTree as ElementTree

import footprint_report
import pytest
import svg_bars

SVG = "{http://www.w3.org/2000/svg}"


def found(**figures):
    return {"date": "2026-01-02", "kernel": "6.1", "processor": "1 x test", "polls": 1000,
            "versions": {"kite": "1", "haproxy": "2", "nginx": "3"}, "figures": figures}


def row(figure):
    return next(row for row in footprint_report.ROWS if row.figure == figure)


@pytest.mark.parametrize("number, verdict", [
    (3_000_000, "at most 3.60 MB: met"), (3_600_000, "at most 3.60 MB: met"),
    (3_600_001, "at most 3.60 MB: **missed**"), (None, "at most 3.60 MB")])
def test_a_target_is_met_up_to_its_value(number, verdict):
    cells = footprint_report.cells(row("disk"), found(disk={"kite": number}))
    assert cells[1] == verdict


@pytest.mark.parametrize("number, cell, verdict", [
    (7_500_000, "yes, peak 7.50 MB", "works: met"), (False, "no", "works: **missed**"),
    (None, "n/a", "works")])
def test_the_hard_limit_is_met_by_working(number, cell, verdict):
    cells = footprint_report.cells(row("limited"), found(limited={"kite": number}))
    assert cells[:2] == [cell, verdict]


def test_the_table_has_a_row_for_each_figure_found_and_five_cells_in_each():
    figures = found(
        idle_rss={"kite": 4_210_000, "haproxy": 14_500_000, "nginx": 18_900_000},
        polled_rss={"kite": 4_000_000}, kernel_each_9000={"kite": 5434.48})
    lines = footprint_report.table(figures, targets=True).splitlines()
    assert lines[2:] == [
        "| RSS, idle | 4.21 MB |  | 14.50 MB | 18.90 MB |",
        "| RSS after 1,000 polls over TLS, 20 tasks | 4.00 MB | at most 4.00 MB: met |  |  |",
        "| kernel memory per connection, 9,000 | 5,434 B |  |  |  |"]
    assert all(line.count("|") == 6 for line in lines)
    lines = footprint_report.table(figures, targets=False).splitlines()
    assert lines[0] == "|  | kite | HAProxy | nginx |"
    assert lines[2] == "| RSS, idle | 4.21 MB | 14.50 MB | 18.90 MB |"
    assert all(line.count("|") == 5 for line in lines)


def test_every_row_can_write_its_number():
    for each in footprint_report.ROWS:
        assert each.text(1234567)


def test_a_difference_of_nothing_has_no_minus():
    assert footprint_report.signed_megabytes(-4096) == "+0.00 MB"
    assert footprint_report.signed_megabytes(-40960) == "-0.04 MB"


def test_the_report_says_when_and_with_what():
    text = footprint_report.markdown(found())
    for word in ("2026-01-02", "kite 1,", "HAProxy 2,", "nginx 3 ", "Linux 6.1"):
        assert word in text


def test_the_chart_leaves_out_what_was_not_measured_for_all():
    drawn = ElementTree.fromstring(footprint_report.chart(found(
        disk={"kite": 3e6, "haproxy": 18e6, "nginx": 10e6}, idle_rss={"kite": 4e6})))
    assert len(drawn.findall(f"{SVG}rect")) == 3


def test_bars_are_as_long_as_their_values_and_escape_what_is_not_xml():
    drawn = ElementTree.fromstring(svg_bars.chart(
        "<&>", [("a & b", [("x", 10, "10"), ("y", 20, "20"), ("z", 0, "0")], 5)]))
    widths = [float(bar.get("width")) for bar in drawn.findall(f"{SVG}rect")]
    assert widths[0] == pytest.approx(widths[1] / 2, abs=0.1)
    assert widths[2] == 1  # nothing is still to be seen
    assert len(drawn.findall(f"{SVG}line")) == 1
    assert drawn.find(f"{SVG}title").text == "<&>"
    bottom = max(float(bar.get("y")) + float(bar.get("height"))
                 for bar in drawn.findall(f"{SVG}rect"))
    assert bottom <= float(drawn.get("height"))


def test_the_page_may_be_dark():
    assert "prefers-color-scheme: dark" in svg_bars.chart("t", [])


def test_only_what_stands_between_the_markers_changes():
    readme = f"before\n{footprint_report.BEGIN}\nold\n{footprint_report.END}\nafter\n"
    once = footprint_report.between_markers(readme, "new\n")
    assert once == f"before\n{footprint_report.BEGIN}\nnew\n{footprint_report.END}\nafter\n"
    assert footprint_report.between_markers(once, "new\n") == once


@pytest.mark.parametrize("readme", ["", footprint_report.BEGIN, footprint_report.END])
def test_a_readme_without_markers_is_refused(readme):
    with pytest.raises(ValueError, match="footprint"):
        footprint_report.between_markers(readme, "new")
