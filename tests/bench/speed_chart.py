"""The chart: CPU for one unit of work, each contender's in units of HAProxy's with usual pipes."""

from xml.sax.saxutils import escape

from speed_workloads import USUAL

COLOURS = ("#d1495b", "#4f7cac", "#86b6e0", "#5f9e6e", "#b58db6", "#a0a0a0")
BAR, GAP, LEFT, WIDTH = 9, 14, 300, 860
STYLE = ("text{font:12px sans-serif;fill:#24292f}.axis{stroke:#8c959f}"
         "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}")


def chart(workloads, names, table):
    """SVG of bars to the left of or beyond the line at 1, HAProxy's own cost."""
    names = [name for name in names if name != "direct"]
    rows = []
    for workload in workloads:
        base = table.get((workload.key, USUAL), {}).get("cpu")
        costs = [(name, table.get((workload.key, name), {}).get("cpu")) for name in names]
        if base:
            rows.append((workload.title, [(name, cost / base) for name, cost in costs if cost]))
    height = 50 + sum(len(bars) * BAR + GAP for _, bars in rows) + 10
    widest = max([1.25] + [value for _, bars in rows for _, value in bars])
    scale = (WIDTH - LEFT - 50) / widest
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
             f"<style>{STYLE}</style>", *legend(names)]
    top = 50
    for title, bars in rows:
        parts += row(title, bars, names, top, scale)
        top += len(bars) * BAR + GAP
    line = LEFT + scale
    parts += [f'<line class="axis" x1="{line:.1f}" x2="{line:.1f}" y1="40" y2="{height - 8}"/>',
              "</svg>"]
    return "\n".join(parts) + "\n"


def legend(names):
    yield f'<text x="8" y="16">CPU for one unit of work; the line at 1 is {USUAL}</text>'
    for index, name in enumerate(names):
        left = 8 + index * 160
        yield f'<rect x="{left}" y="25" width="10" height="10" fill="{colour(index)}"/>'
        yield f'<text x="{left + 15}" y="34">{escape(name)}</text>'


def row(title, bars, names, top, scale):
    middle = top + len(bars) * BAR / 2 + 4
    yield f'<text x="{LEFT - 8}" y="{middle:.1f}" text-anchor="end">{escape(title)}</text>'
    for place, (name, value) in enumerate(bars):
        y = top + place * BAR
        yield (f'<rect x="{LEFT}" y="{y}" width="{value * scale:.1f}" height="{BAR - 1}" '
               f'fill="{colour(names.index(name))}"/>')
        yield (f'<text x="{LEFT + value * scale + 4:.1f}" y="{y + BAR - 1}" '
               f'style="font-size:9px">{value:.2f}</text>')


def colour(index):
    return COLOURS[index % len(COLOURS)]
