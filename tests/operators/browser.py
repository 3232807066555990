"""A headless Chromium, driven through its own protocol over two pipes.

Protocol: chromedevtools.github.io/devtools-protocol; with --remote-debugging-pipe messages are JSON
that ends in a NUL byte, to the browser on descriptor 3 and from it on descriptor 4.
"""

import base64
import json
import os
import select
import subprocess
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
PATIENCE = 60.0


class Browser:
    """One browser with one page. `complaints` collects what the page's console and the content
    policy said, `requested` the URLs it asked for."""

    def __init__(self, program, folder):
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        self.complaints, self.requested = [], []
        self._next_id, self._buffer, self._messages = 1, b"", []

        def place_pipes():
            # Through high numbers, so that neither dup2 closes the other's source.
            high = [os.dup(to_browser), os.dup(from_browser)]
            while min(high) < 10:
                high = [os.dup(fd) for fd in high]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"], pass_fds=(3, 4),
            preexec_fn=place_pipes, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)})
        os.close(to_browser)
        os.close(from_browser)
        targets = self._call("Target.getTargets", session=False)["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self._call("Target.attachToTarget", session=False,
                                   targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self._call(f"{domain}.enable")

    def open(self, url):
        self._call("Page.navigate", url=url)
        self.wait("document.readyState == 'complete'")

    def evaluate(self, expression):
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self):
        return self.evaluate("document.body.innerText")

    def wait(self, expression, seconds=PATIENCE):
        """Until the expression is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(f"Boolean({expression})")):
            assert time.monotonic() < deadline, f"{expression} did not come true; {self.text()}"
            time.sleep(0.05)
        return value

    def let_scripts_run(self, wanted):
        self._call("Emulation.setScriptExecutionDisabled", value=not wanted)

    def look(self, width, height, dark):
        """The size of the window and the scheme that the user prefers."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=width < 600)
        self._call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        answer = self._call("Page.captureScreenshot", format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self):
        try:
            self._call("Browser.close", session=False)
            self._process.wait(10)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        os.close(self._write)

    # -- protocol -------------------------------------------------------------------------------

    def _call(self, method, session=True, **parameters):
        message = {"id": self._next_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = self._session
        self._next_id += 1
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == message["id"]:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            data = os.read(self._read, 1 << 16)
            assert data, "the browser ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requested.append(parameters["request"]["url"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Audits.issueAdded":
            issue = parameters["issue"]
            if issue["code"] == "ContentSecurityPolicyIssue":
                self.complaints.append(str(issue["details"]))
