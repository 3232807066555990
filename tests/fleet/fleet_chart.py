"""What a fleet did over time, as SVG: calls a second, throttled ones, the bucket's limit."""

import pathlib
import sys
from xml.sax.saxutils import escape

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import svg_bars  # noqa: E402

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 220, 44, 44, 30
STYLE = """
.calls { fill: none; stroke: #1f6feb; stroke-width: 1.5 }
.revisions { fill: none; stroke: #1a7f37; stroke-width: 1.5 }
.throttled { fill: none; stroke: #cf222e; stroke-width: 1.5 }
.limit { stroke: #bc4c00; stroke-width: 1; stroke-dasharray: 4 3 }
.axis { stroke: #8c959f; stroke-width: 1 }"""
POINTS = 240


def averages(values, points=POINTS):
    """At most so many means of equally long stretches."""
    size = max(1, -(-len(values) // points))
    return [sum(values[i:i + size]) / len(values[i:i + size])
            for i in range(0, len(values), size)], size


def draw(title, happened, marks=(), limit=20):
    calls, size = averages(happened["calls"])
    throttled, _ = averages(happened["throttled"])
    revisions, _ = averages(happened["revisions"])
    seconds = len(happened["calls"])
    most = max(*calls, *revisions, limit) * 1.1
    bottom = HEIGHT - BOTTOM

    def x(second):
        return LEFT + (WIDTH - LEFT - 10) * second / max(seconds, 1)

    def y(value):
        return bottom - (bottom - TOP) * value / most

    def line(name, values):
        points = " ".join(f"{x(i * size):.1f},{y(value):.1f}" for i, value in enumerate(values))
        return f'<polyline class="{name}" points="{points}"/>'

    def text(at_x, at_y, words, anchor="start"):
        return (f'<text class="small" x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}">'
                f"{escape(words)}</text>")

    legend = f"calls a second (blue), throttled (red), the account's limit {limit}"
    if any(revisions):
        legend = (f"a second: DiscoverInstances (blue), its limit {limit}, revisions (green), "
                  "throttled (red)")
    parts = [f'<text class="title" x="0" y="16">{escape(title)}</text>',
             text(0, 32, legend),
             f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - 10}" y2="{bottom}"/>',
             f'<line class="limit" x1="{LEFT}" y1="{y(limit):.1f}" x2="{WIDTH - 10}" '
             f'y2="{y(limit):.1f}"/>',
             text(LEFT - 6, y(limit) + 4, f"{limit:g}", "end"), text(LEFT - 6, bottom, "0", "end"),
             text(LEFT, HEIGHT - 10, "0 min"),
             text(WIDTH - 10, HEIGHT - 10, f"{seconds / 60:.0f} min", "end"),
             line("calls", calls), line("throttled", throttled)]
    if any(revisions):
        parts.append(line("revisions", revisions))
    for second, words in marks:
        if second < seconds:
            parts.append(f'<line class="axis" x1="{x(second):.1f}" x2="{x(second):.1f}" '
                         f'y1="{TOP}" y2="{bottom}"/>')
            parts.append(text(x(second) + 3, TOP + 10, words))
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img">\n<title>{escape(title)}</title>\n'
            f"<style>\n{svg_bars.STYLE}{STYLE}\n</style>\n{body}\n</svg>\n")
