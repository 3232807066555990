"""Bar charts as SVG, legible on a light and on a dark page."""

from xml.sax.saxutils import escape

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 720, 90, 110
BAR_HEIGHT, BAR_GAP, PANEL_GAP, TITLE_HEIGHT = 16, 5, 18, 24
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.bar { fill: #8c959f } .first { fill: #1f6feb } .target { stroke: #bc4c00; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .bar { fill: #6e7681 } .first { fill: #4493f8 } .target { stroke: #f0883e }
}"""


def chart(title, panels, note=""):
    """One panel below the other; a panel is (title, [(name, value, text)], target or None). The
    first bar of a panel stands out and may have a mark at its target; lengths are relative to the
    panel's longest."""
    lines, y = [], 20
    lines.append(f'<text class="title" x="0" y="{y}">{escape(title)}</text>')
    y += PANEL_GAP
    for panel in panels:
        y = draw_panel(lines, y, *panel)
    if note:
        lines.append(f'<text class="small" x="0" y="{y + 4}">{escape(note)}</text>')
        y += PANEL_GAP
    body = "\n".join(lines)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
            f'height="{y}" role="img">\n<title>{escape(title)}</title>\n'
            f"<style>\n{STYLE}\n</style>\n{body}\n</svg>\n")


def draw_panel(lines, y, title, bars, target):
    """Returns where the next panel begins."""
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    most = max([value for _, value, _ in bars] + [target or 0]) or 1
    lines.append(f'<text x="0" y="{y + 12}">{escape(title)}</text>')
    y += TITLE_HEIGHT
    top = y
    target_length = room * (target or 0) / most
    for index, (name, value, text) in enumerate(bars):
        length = max(1.0, room * value / most)
        end = length if index else max(length, target_length)
        middle = y + BAR_HEIGHT - 4
        lines.append(f'<text class="small" x="0" y="{middle}">{escape(name)}</text>')
        lines.append(f'<rect class="{"bar" if index else "first"}" x="{LABEL_WIDTH}" y="{y}" '
                     f'width="{length:.1f}" height="{BAR_HEIGHT}" rx="2"/>')
        lines.append(f'<text class="small" x="{LABEL_WIDTH + end + 6:.1f}" y="{middle}">'
                     f"{escape(text)}</text>")
        y += BAR_HEIGHT + BAR_GAP
    if target:
        x = LABEL_WIDTH + target_length
        lines.append(f'<line class="target" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2}" '
                     f'y2="{top + BAR_HEIGHT + 2}"/>')
    return y + PANEL_GAP
