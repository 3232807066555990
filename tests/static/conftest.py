"""Fixtures for tests of the shipped program. KITE_STATIC names it, KITE_STATIC_RUNNER an emulator
for a program of another machine; KITE_STATIC_REPRODUCE=1 adds the test that builds it again."""

import os
import pathlib
import platform
import shutil
import socket
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = (ROOT / os.environ.get("KITE_STATIC", "build/static/ecs-task-kite")).resolve()


@pytest.fixture(scope="session")
def program():
    """A suite without its program has failed; skipped, it would look well."""
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built: make static", pytrace=False)
    return PROGRAM


@pytest.fixture(scope="session")
def runner(program):
    """The emulator that the program needs on this machine, or None."""
    machine = {62: "x86_64", 183: "aarch64"}[int.from_bytes(program.read_bytes()[18:20], "little")]
    if machine == platform.machine():
        return None
    found = os.environ.get("KITE_STATIC_RUNNER") or shutil.which(f"qemu-{machine}-static")
    if found is None:
        pytest.skip(f"no emulator for {machine}: install qemu-user-static")
    return found


@pytest.fixture
def backend():
    """The port of a server on 127.0.0.2 that says `here` to everyone."""
    with socket.create_server(("127.0.0.2", 0)) as server:
        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.sendall(b"here\n")
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
