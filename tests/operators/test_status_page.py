"""The status page as a browser shows it. Screenshots are left in build/screenshots; the README's is
status-1280-light.png after KITE_SCREENSHOT_SECONDS=330."""

import http.server
import itertools
import math
import os
import threading
import time
import urllib.request

import pytest
from backends import name_then_echo
from clients import connect, connections, echo_once, names, read_line
from kite import ROOT
from waiting import eventually, free_port

from browser import Browser
from tools import tool

SCREENSHOTS = ROOT / "build" / "screenshots"
SCENE_SECONDS = float(os.environ.get("KITE_SCREENSHOT_SECONDS", "0"))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    made = Browser(tool("chromium", "chromium"), tmp_path_factory.mktemp("chromium"))
    yield made
    made.close()


@pytest.fixture
def browser(chromium):
    chromium.complaints.clear()
    chromium.requested.clear()
    chromium.let_scripts_run(True)
    chromium.look(1280, 900, dark=False)
    yield chromium
    chromium.open("about:blank")  # the kite's descriptors are counted when it ends


@pytest.fixture
def admin():
    return f"127.0.0.1:{free_port()}"


def no_fault(browser, admin):
    assert not browser.complaints, browser.complaints
    # Nothing is fetched from anywhere else; the empty icon is part of the page.
    assert all(url.startswith((f"http://{admin}/", "data:", "about:")) for url in browser.requested)


def test_it_shows_what_there_is_and_follows_it(scenario, start_kite, port, admin, browser):
    task, _ = scenario.bridge(port, name_then_echo)
    kite = start_kite(f"-admin={admin}").wait_listening(port)
    browser.open(f"http://{admin}/")
    browser.wait("document.querySelectorAll('tbody tr').length == 1")
    text = browser.text()
    for said in ("ecs-task-kite", "ready: 1 backend", "family/web/app", "127.0.0.2:", task[:8],
                 "eu-west-1a", "serving", "unknown", "Next poll"):
        assert said in text, said
    assert browser.evaluate("document.querySelector('tbody [title]').title") == task

    browser.evaluate("window.mark = 1")  # survives a refresh of the page's parts, not a reload
    second, _ = scenario.bridge(port, name_then_echo, host="127.0.0.3")
    browser.wait("document.querySelectorAll('tbody tr').length == 2")
    assert second[:8] in browser.text()
    with connect(port) as client:
        read_line(client)
        echo_once(client, bytes(1000))
        browser.wait("document.body.innerText.includes('1 accepted')")
    assert browser.evaluate("window.mark") == 1
    no_fault(browser, admin)

    kite.stop()
    browser.wait("document.body.className == 'lost'")
    assert "does not answer" in browser.text() and second[:8] in browser.text()


class Stranger(http.server.BaseHTTPRequestHandler):
    """What may answer at the kite's address when it has gone: a page of something else."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<main>Something else</main>")
        self.server.answered += 1

    def log_message(self, *_):
        pass


def test_an_answer_that_is_no_status_page_leaves_the_old_one(scenario, start_kite, port, admin,
                                                             browser):
    task, _ = scenario.bridge(port)
    kite = start_kite(f"-admin={admin}").wait_listening(port)
    browser.open(f"http://{admin}/")
    browser.wait("document.querySelectorAll('tbody tr').length == 1")
    kite.stop()
    host, _, number = admin.partition(":")
    with http.server.HTTPServer((host, int(number)), Stranger) as stranger:
        stranger.answered = 0
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        eventually(lambda: stranger.answered >= 2, 30)
        stranger.shutdown()
    browser.wait("document.body.className == 'lost'")
    assert task[:8] in browser.text() and "Something else" not in browser.text()
    assert "does not answer" in browser.text()


def test_hostile_names_are_text(scenario, start_kite, port, admin, browser):
    hostile = "</td><script>window.hit=1</script><img src=x onerror='window.hit=1'>\"'&"
    scenario.bridge(port, zone=hostile)
    start_kite(f"-admin={admin}").wait_listening(port)
    browser.open(f"http://{admin}/")
    browser.wait("document.querySelectorAll('tbody tr').length == 1")
    assert hostile in browser.text()
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("document.scripts.length") == 1
    assert browser.evaluate("window.hit") is None
    no_fault(browser, admin)


def test_it_works_without_scripts(scenario, start_kite, port, admin, browser):
    scenario.bridge(port)
    start_kite(f"-admin={admin}").wait_listening(port)
    browser.let_scripts_run(False)
    browser.open(f"http://{admin}/")
    browser.wait("document.querySelectorAll('tbody tr').length == 1")
    first = browser.evaluate("performance.timeOrigin")
    browser.wait(f"performance.timeOrigin > {first}")  # the browser itself loaded it again
    assert "ready: 1 backend" in browser.text()
    no_fault(browser, admin)


def play(port):
    """Clients that come in waves, for as long as the picture is to tell of."""
    names(port, 200)
    end = time.monotonic() + SCENE_SECONDS
    for second in itertools.takewhile(lambda _: time.monotonic() < end, itertools.count()):
        for _ in range(int(12 + 8 * math.sin(second / 15))):
            with connect(port) as client:
                read_line(client)
                echo_once(client, bytes(4000))
        time.sleep(0.5)


def test_it_reads_well_on_a_desk_and_on_a_phone(scenario, start_kite, port, admin, browser):
    for host in range(2, 7):
        scenario.bridge(port, name_then_echo, host=f"127.0.0.{host}",
                        zone="eu-west-1" + "abc"[host % 3], health="HEALTHY")
    scenario.bridge_at(port, "127.0.0.7", free_port(), zone="eu-west-1b")
    scenario.bridge(port, host="127.0.0.8", lastStatus="PENDING")
    start_kite(f"-admin={admin}").wait_listening(port)
    scenario.settle()
    with connections(port, 25):
        play(port)
        scenario.bridge(port, name_then_echo, host="127.0.0.9", zone="eu-west-1a")
        scenario.settle()
        for width, height, dark in ((1280, 900, False), (1280, 900, True), (390, 844, True),
                                    (390, 844, False)):
            browser.look(width, height, dark)
            browser.open(f"http://{admin}/")
            browser.wait("document.querySelectorAll('tbody tr').length == 7")
            assert "1 not_running" in browser.text() and "healthy" in browser.text()
            wide = browser.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, "it scrolls sideways"
            scheme = "dark" if dark else "light"
            path = SCREENSHOTS / f"status-{width}-{scheme}.png"
            browser.screenshot(path)
            assert path.stat().st_size > 15_000
    no_fault(browser, admin)


def test_a_foreign_name_gets_nothing(scenario, start_kite, port, admin):
    scenario.bridge(port)
    start_kite(f"-admin={admin}").wait_listening(port)
    request = urllib.request.Request(f"http://{admin}/", headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
    assert refused.value.code == 421
