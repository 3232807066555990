"""What the demo writes: headings, sentences, facts and bar charts, in colour only where wanted."""

import os
import shutil
import sys
import textwrap

WIDTH = min(shutil.get_terminal_size((88, 24)).columns, 100)


def _wants_colour():
    """A terminal that did not say no (https://no-color.org)."""
    return (sys.stdout.isatty() and not os.environ.get("NO_COLOR") and
            os.environ.get("TERM") != "dumb")


_COLOUR = _wants_colour()
_UNICODE = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
_BLOCKS = " ▏▎▍▌▋▊▉█" if _UNICODE else " #"


def paint(text, *codes):
    if not _COLOUR:
        return text
    return f"\033[{';'.join(str(code) for code in codes)}m{text}\033[0m"


def bold(text):
    return paint(text, 1)


def faint(text):
    return paint(text, 2)


def good(text):
    return paint(text, 1, 32)


def bad(text):
    return paint(text, 1, 31)


def title(text):
    print(f"\n{bold(text)}\n")


def step(number, text):
    """The heading of one act."""
    print(f"\n{paint(f'{number}.', 1, 36)} {bold(text)}", flush=True)


def say(text):
    """A sentence or two for people, folded to the screen."""
    for line in textwrap.wrap(text, WIDTH - 3):
        print(f"   {line}")
    sys.stdout.flush()


def command(text):
    print(f"   {faint('$')} {paint(text, 36)}", flush=True)


def fact(name, value):
    print(f"   {name + ' ':.<34} {bold(str(value))}", flush=True)


def bar(share, width):
    """A bar of `share` (0 to 1) of `width` cells, in eighths of a cell where the screen can."""
    parts = len(_BLOCKS) - 1
    filled = round(share * width * parts)
    whole, rest = divmod(filled, parts)
    return (_BLOCKS[-1] * whole + (_BLOCKS[rest] if rest else "")).ljust(width)


def chart(rows):
    """`rows`: (label, note, count), longest bar for the largest count."""
    total = sum(count for _, _, count in rows) or 1
    most = max((count for _, _, count in rows), default=0) or 1
    label_width = max(len(label) for label, _, _ in rows)
    note_width = max(len(note) for _, note, _ in rows)
    width = max(10, WIDTH - label_width - note_width - 22)
    for label, note, count in rows:
        drawn = paint(bar(count / most, width), 36)
        print(f"   {label:<{label_width}}  {faint(f'{note:<{note_width}}')}  {drawn} "
              f"{count:>5} {100 * count / total:>4.0f} %")
    sys.stdout.flush()
