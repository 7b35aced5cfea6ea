"""Python calls per send, counted in one connection's core: no clock, the same on any machine.

Each pass brings FRAMES sends, as in ``bench/broker_inmemory.py``; what a pass costs as a whole is
spread over them. Calls of C functions are given apart. Run it: ``python -m bench send_calls``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType

from bench.broker_inmemory import FRAMES, build, run, send_frame

PASSES = 50


def count(release: str, serialize_type: int, *, lane: bool = True) -> tuple[Counter[str], int]:
    """Return the Python functions called, and how many C functions were, in PASSES passes.

    Without a lane every send is the processor's.
    """
    python: Counter[str] = Counter()
    c_calls = 0

    def see(frame: FrameType, event: str, _: object) -> None:
        nonlocal c_calls
        if event == "call":
            code = frame.f_code
            python[f"{Path(code.co_filename).name}:{code.co_qualname}"] += 1
        elif event == "c_call":
            c_calls += 1

    data = b"".join(send_frame(serialize_type, i) for i in range(FRAMES))
    with tempfile.TemporaryDirectory() as folder:
        core = build(str(Path(folder) / "store"), release)
        if not lane:
            core.handlers.lane = None
        run(core, data, 5)
        sys.setprofile(see)
        try:
            run(core, data, PASSES)
        finally:
            sys.setprofile(None)
        core.close()
    return python, c_calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", default="5.5.0")
    parser.add_argument("--names", action="store_true", help="which functions, most called first")
    parser.add_argument("--no-lane", action="store_true", help="as sends go that are not plain")
    args = parser.parse_args()
    sends = PASSES * FRAMES
    for kind, serialize_type in (("JSON", 0), ("ROCKETMQ", 1)):
        python, c_calls = count(args.release, serialize_type, lane=not args.no_lane)
        total = python.total() / sends
        print(f"{args.release} {kind}: {total:.2f} Python calls, {c_calls / sends:.2f} C calls")
        if args.names:
            for name, times in python.most_common():
                print(f"    {times / sends:6.2f}  {name}")


if __name__ == "__main__":
    main()
