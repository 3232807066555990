"""Asks SOURCE for an instance id again and again and shows on port 8000 who answered."""

import collections
import html
import http.server
import os
import threading
import time
import urllib.request

SOURCE = os.environ.get("SOURCE", "http://serve-instance-id:8080/")
INTERVAL_SECONDS = float(os.environ.get("INTERVAL_SECONDS", "0.5"))

PAGE = """<!DOCTYPE html><html><head><title>Who answered</title>
<meta http-equiv="refresh" content="2"></head><body>
<h1>Who answered</h1><table><tr><th>instance</th><th>answers</th><th>last</th></tr>
{rows}</table><p>{failures} requests failed. {last}</p></body></html>
"""


class Tally:
    """Answers per instance. Shared by the collecting thread and the page, under one lock."""

    def __init__(self):
        self._lock = threading.Lock()
        self._answers = collections.Counter()
        self._seen_at = {}
        self._failures, self._last_failure = 0, ""

    def note_answer(self, instance):
        with self._lock:
            self._answers[instance] += 1
            self._seen_at[instance] = time.monotonic()

    def note_failure(self, problem):
        with self._lock:
            self._failures += 1
            self._last_failure = f"The last one: {problem}"

    def page(self):
        with self._lock:
            now = time.monotonic()
            rows = "".join(
                f"<tr><td>{html.escape(name)}</td><td>{count}</td>"
                f"<td>{now - self._seen_at[name]:.0f} s ago</td></tr>\n"
                for name, count in sorted(self._answers.items()))
            return PAGE.format(rows=rows, failures=self._failures,
                               last=html.escape(self._last_failure))


def collect(tally):
    """For ever. urllib connects anew for each request, and a kite chooses per connection."""
    while True:
        try:
            with urllib.request.urlopen(SOURCE, timeout=5) as answer:
                tally.note_answer(answer.read(200).decode())
        except (OSError, ValueError) as problem:
            tally.note_failure(problem)
        time.sleep(INTERVAL_SECONDS)


def handler_for(tally):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = tally.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            pass
    return Handler


if __name__ == "__main__":
    shared = Tally()
    threading.Thread(target=collect, args=(shared,), daemon=True).start()
    address = os.environ.get("ADDRESS", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    http.server.ThreadingHTTPServer(address, handler_for(shared)).serve_forever()
