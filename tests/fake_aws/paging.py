"""Page tokens: opaque, bound to the filters they were made for, good while things change."""

import base64
import bisect
import hashlib
import json


class BadToken(Exception):
    """Not a token of ours, or one for other filters."""


def filters_digest(filters):
    return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).hexdigest()[:16]


def make_token(filters, after, page):
    text = json.dumps({"filters": filters_digest(filters), "after": after, "page": page})
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(token, filters):
    """(after, page) of a token. Raises BadToken."""
    try:
        content = json.loads(base64.b64decode(token.encode(), b"-_", validate=True))
        if content["filters"] != filters_digest(filters):
            raise BadToken("made for other filters")
        return content["after"], content["page"]
    except (ValueError, KeyError, TypeError):
        raise BadToken("unreadable") from None


def cut_page(keys, filters, token, size, empty=lambda page: False):
    """One page of sorted `keys`: (keys of the page, next token or None).

    `empty(page)` says which pages (1, 2, ...) come without items but with a token.
    """
    after, page = read_token(token, filters) if token else ("", 1)
    start = bisect.bisect_right(keys, after)
    if empty(page):
        return [], make_token(filters, after, page + 1)
    part = keys[start:start + size]
    more = start + size < len(keys)
    return part, make_token(filters, part[-1], page + 1) if more else None
