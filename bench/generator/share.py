"""What the generator itself costs: loads of an echo server, the floor under every broker."""

from __future__ import annotations

import subprocess

from bench.generator import tape
from bench.generator.run import Shape, build, play
from bench.machine import cpu_seconds
from rmqwire.codec.command import ROCKETMQ

SHAPES = (Shape(1, 1), Shape(1, 64), Shape(64, 1))
SECONDS = 1.0


def shares() -> str:
    """Return the CPU of a request in the generator and in the echo server, by shape."""
    frames = [tape.send("BenchmarkTest", queue, b"a" * 128, ROCKETMQ) for queue in range(4)]
    with subprocess.Popen([str(build()), "--serve"], stdout=subprocess.PIPE, text=True) as echo:
        assert echo.stdout is not None
        port = int(echo.stdout.readline())
        parts = []
        for shape in SHAPES:
            before = cpu_seconds(echo.pid)
            report = play(port, frames, shape, seconds=SECONDS)
            served = (cpu_seconds(echo.pid) - before) / report.all_answers * 1e6
            own = report.all_cpu_s / report.all_answers * 1e6
            parts.append(f"{shape} {own:.2f} µs and {served:.2f} µs")
        echo.terminate()
    return f"CPU of a request, its own and an echo server's: {', '.join(parts)}"
