"""What a pass of one send costs in memory, by what the process did before it: no sockets.

Between two passes the process goes on at once, computes, or sleeps, as a broker does that waits for
its only producer. The pass itself is the same each time, so the differences are caches, branch
predictors and clock rate. Run it on a free machine: ``python -m bench lone_pass``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.broker_inmemory import build, send_frame
from rmqwire.codec.command import ROCKETMQ
from rmqwire.remoting.connection import Connection

PASSES = 3000


def spin(seconds: float) -> Callable[[], None]:
    def go() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    return go


GAPS: dict[str, Callable[[], None]] = {
    "goes on at once": lambda: None,
    "computes for 100 us": spin(1e-4),
    "sleeps for 100 us": lambda: time.sleep(1e-4),
    "sleeps for 1 ms": lambda: time.sleep(1e-3),
}


def main() -> None:
    frame = send_frame(ROCKETMQ, 0)
    with tempfile.TemporaryDirectory() as folder:
        core = build(str(Path(folder) / "store"), "5.5.0")
        connection = Connection(core.handlers, "127.0.0.1:40000")
        connection.corked = True
        end_pass = core.state.store.puts.end_pass

        def measure(gap: Callable[[], None]) -> list[float]:
            took = []
            for _ in range(PASSES):
                gap()
                began = time.perf_counter()
                connection.receive_data(frame)
                end_pass()
                connection.data_to_send()
                took.append((time.perf_counter() - began) * 1e6)
            return sorted(took)

        measure(GAPS["goes on at once"])
        for name, gap in GAPS.items():
            took = measure(gap)
            quarter, half = took[PASSES // 4], took[PASSES // 2]
            print(f"{name:20} {quarter:6.1f} us (quarter of the passes) {half:6.1f} us (half)")
        core.close()


if __name__ == "__main__":
    main()
