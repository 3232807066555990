"""The fake's settable clock and the time formats AWS uses."""

import calendar
import datetime
import email.utils
import time


class Clock:
    """Wall time plus a settable offset. Everything the fake says or checks about time asks here."""

    def __init__(self):
        self.offset_seconds = 0.0
        self._http_date = (None, "")

    def now(self):
        return time.time() + self.offset_seconds

    def http_date(self):
        second = int(self.now())
        if self._http_date[0] != second:
            self._http_date = (second, email.utils.formatdate(second, usegmt=True))
        return self._http_date[1]


def iso(moment):
    """2026-01-02T03:04:05Z"""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def basic(moment):
    """20260102T030405Z"""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


def parse_basic(text):
    """Epoch seconds of 20260102T030405Z, None if it has another form."""
    if len(text) != 16 or text[8] != "T" or text[15] != "Z":
        return None
    digits = text[:8] + text[9:15]
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def parse_expiry(value):
    """Epoch seconds of a number or an ISO 8601 text; None stays None."""
    if value is None or isinstance(value, (int, float)):
        return value
    return datetime.datetime.fromisoformat(value).timestamp()
