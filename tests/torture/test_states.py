"""Tens of thousands of connections that end in every state: nothing stays behind, no byte is
changed."""

from amounts import count, figure
from kite import binary
from states import Play, any_echo
from waiting import eventually

CONNECTIONS = count(2000, 50_000)
# Until the heap has found its shape.
WARM_UP = max(500, CONNECTIONS // 5)
GROWTH_KIB_MAX = 768


def test_connections_in_random_states_leave_nothing_behind(scenario, start_kite, port):
    backends = [scenario.bridge(port, any_echo, host=f"127.0.0.{2 + i}")[1] for i in range(3)]
    kite = start_kite("-keepalive=1s,1s,2").wait_listening(port)
    Play(port, WARM_UP, seed=1).run()
    kite.wait_quiet(60)
    before = kite.rss_kib()
    seen = Play(port, CONNECTIONS).run().seen
    kite.wait_quiet(60)
    assert sum(seen.values()) == CONNECTIONS and len(seen) == 6, seen
    assert not any(getattr(backend, "wrong", 0) for backend in backends), "a byte was changed"
    if "asan" not in binary():  # its quarantine grows by design
        eventually(lambda: kite.rss_kib() - before < GROWTH_KIB_MAX, 30,
                   f"the memory is back at {before} KiB; is {kite.rss_kib()}")
    figure(f"random states: {CONNECTIONS} connections, {before} KiB resident before and "
           f"{kite.rss_kib()} after")
