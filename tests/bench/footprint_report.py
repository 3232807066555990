"""Table and chart of what bench-footprint found. Pure, but for writing the README."""

import textwrap
from dataclasses import dataclass

import svg_bars

PROXIES = ("kite", "haproxy", "nginx")
NAMES = {"kite": "kite", "haproxy": "HAProxy", "nginx": "nginx"}
BEGIN = "<!-- footprint: made by tests/bench/footprint.py --readme -->"
END = "<!-- footprint: end -->"
HONEST = ("MB are millions of bytes. The kite polls an AWS API over TLS and trusts the whole CA "
          "bundle of Debian; the others are told their backends by a file.")


def megabytes(number):
    return f"{number / 1e6:.2f} MB"


def signed_megabytes(number):
    return f"{round(number / 1e6, 2) + 0.0:+.2f} MB"  # adding zero: no -0.00


def count_bytes(number):
    return f"{number:,.0f} B"


def milliseconds(number):
    return f"{number * 1e3:.1f} ms"


def works(number):
    return "no" if number is False else f"yes, peak {megabytes(number)}"


@dataclass(frozen=True)
class Row:
    """One figure: `limit` is the most that the kite may have, None where nothing is asked."""
    figure: str
    label: str
    text: object
    limit: float | None = None
    charted: bool = False


ROWS = [
    Row("disk", "program and libraries (kite: and CA bundle)", megabytes, 3.6e6, True),
    Row("compressed", "the same, as tar after gzip -9", megabytes, 1.75e6, True),
    Row("start", "start to first byte forwarded (kite: AWS asked)", milliseconds, 0.010, True),
    Row("idle_rss", "RSS, idle", megabytes, None, True),
    Row("idle_pss", "PSS, idle", megabytes),
    Row("polled_rss", "RSS after {polls} polls over TLS, 20 tasks", megabytes, 4.0e6),
    Row("polled_growth", "growth since the first 100 of them", signed_megabytes),
    Row("tasks_growth", "growth from 20 to 2,000 tasks, between polls", signed_megabytes, 2e6),
    Row("tasks_growth_most", "the same, the most seen during polls", signed_megabytes),
    Row("tasks_kept", "still held when it is 20 tasks again", signed_megabytes),
    Row("rss_1000", "RSS, 1,000 idle connections", megabytes),
    Row("rss_9000", "RSS, 9,000 idle connections", megabytes, None, True),
    Row("each_1000", "growth per connection, 1,000", count_bytes, 400),
    Row("each_9000", "growth per connection, 9,000", count_bytes, 400, True),
    Row("kernel_each_1000", "kernel memory per connection, 1,000", count_bytes),
    Row("kernel_each_9000", "kernel memory per connection, 9,000", count_bytes),
    # A page or two are not given back by anyone: the stack has been deeper.
    Row("kept", "still held 10 s after closing them all", signed_megabytes, 0.1e6),
    Row("busy_rss", "RSS, 64 busy connections", megabytes),
    Row("limited", "1,000 connections under a hard limit of 12 MB", works, 12e6),
]


def met(row, number):
    return number is not False and number <= row.limit


def limit_text(row):
    return "works" if row.text is works else "at most " + row.text(row.limit).removeprefix("+")


def cells(row, found):
    """The row's four cells after the label."""
    numbers = found["figures"].get(row.figure, {})

    def cell(proxy):
        if proxy not in numbers:
            return ""
        number = numbers[proxy]
        return "n/a" if number is None else row.text(number)

    target = ""
    if row.limit is not None:
        target = limit_text(row)
        if numbers.get("kite") is not None:
            target += ": met" if met(row, numbers["kite"]) else ": **missed**"
    return [cell("kite"), target, cell("haproxy"), cell("nginx")]


def table(found, targets):
    """`targets`: with the column of what the kite shall have."""
    rows = [["", "kite", "target", "HAProxy", "nginx"], ["---"] * 5]
    for row in ROWS:
        if row.figure in found["figures"]:
            rows.append([row.label.format(polls=f"{found['polls']:,}"), *cells(row, found)])
    if not targets:
        rows = [row[:2] + row[3:] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def provenance(found):
    versions = found["versions"]
    return (f"Measured on {found['date']}: kite {versions['kite']}, HAProxy {versions['haproxy']}, "
            f"nginx {versions['nginx']} (stream), Linux {found['kernel']}, {found['processor']}.")


def markdown(found, targets=True):
    return f"{table(found, targets)}\n\n{textwrap.fill(f'{provenance(found)} {HONEST}', 100)}\n"


def chart(found):
    panels = []
    for row in ROWS:
        numbers = found["figures"].get(row.figure, {})
        if row.charted and all(numbers.get(proxy) is not None for proxy in PROXIES):
            bars = [(NAMES[proxy], numbers[proxy], row.text(numbers[proxy])) for proxy in PROXIES]
            panels.append((row.label, bars, row.limit))
    title = "Footprint: the smaller the better; the mark is the kite's target"
    return svg_bars.chart(title, panels, provenance(found))


def between_markers(text, new, begin=BEGIN, end=END):
    """`text` with what stands between the markers replaced."""
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"no {begin} ... {end}")
    return f"{head}{begin}\n{new}{end}{tail}"


def write_readme(readme, found):
    """Without the targets: they are for those who work on it."""
    readme.write_text(between_markers(readme.read_text(), markdown(found, targets=False)))
