"""-cache: a start while AWS does not answer."""

import os
import stat

from clients import ask_name, names
from fake_aws.client import fault
from waiting import eventually


def wait_saved(path, text):
    eventually(lambda: path.exists() and text in path.read_text(), 10, f"{text} saved")


def test_what_an_earlier_run_knew_serves_until_aws_answers(scenario, start_kite, port, tmp_path):
    path = tmp_path / "backends"
    task, backend = scenario.bridge(port)
    first = start_kite(f"-cache={path}").wait_listening(port)
    wait_saved(path, f"backend {port} 127.0.0.2 {backend.port} 0")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "wJalr" not in path.read_text() and "AKID" not in path.read_text()
    assert first.stop() == 0
    scenario.aws.set_faults(fault(reset=True))
    second = start_kite(f"-cache={path}").wait_listening(port, timeout=30)
    assert ask_name(port) == backend.name
    assert second.lines(event="cache_used", backends="1")
    scenario.aws.delete_task(task)
    _, other = scenario.bridge(port, host="127.0.0.3")
    scenario.aws.clear_faults()
    eventually(lambda: set(names(port, 10)) == {other.name}, 15, "the answer of AWS")
    assert second.lines(event="cache_left")
    wait_saved(path, "127.0.0.3")
    assert os.listdir(tmp_path) == ["backends"]


def test_a_cache_of_another_target_or_damaged_is_refused(scenario, start_kite, port, tmp_path):
    path = tmp_path / "backends"
    scenario.bridge(port)
    first = start_kite(f"-cache={path}").wait_listening(port)
    wait_saved(path, "end ")
    assert first.stop() == 0
    saved = path.read_bytes()
    other = start_kite(f"-cache={path}", f"-port={port}", "-tag=a=b").wait_listening(port)
    eventually(lambda: other.lines(event="cache_refused"), 10, "a line")
    assert "another target" in other.lines(event="cache_refused")[0]["reason"]
    assert other.stop() == 0
    path.write_bytes(saved.replace(b"127.0.0.2", b"127.0.0.9"))
    damaged = start_kite(f"-cache={path}").wait_listening(port)
    assert "checksum" in damaged.lines(event="cache_refused")[0]["reason"]


def test_a_path_that_cannot_be_written_is_told_and_nothing_more(scenario, start_kite, port,
                                                                 tmp_path):
    _, backend = scenario.bridge(port)
    kite = start_kite(f"-cache={tmp_path}/no/such/folder").wait_listening(port)
    assert ask_name(port) == backend.name
    eventually(lambda: kite.lines(event="cache_not_written"), 10, "a line")
