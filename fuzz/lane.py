"""Feed mutated sends to a broker with a lane and one without; whatever either does, the other must do too.

Usage: ``python fuzz/lane.py [--lane python] [--count 100000] [--seed 1] [--release 5.5.0]``. The native lane
needs rmqwire_speedups. Exit 1 at the first difference; the bytes that made it are printed as hex.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fuzz.mutate import mutate, with_true_length
from rmqwire.codec.command import decode_command
from rmqwire.codec.native import NATIVE, PYTHON
from rmqwire.codec.release import release_named
from tests.support.golden import frame_files, frames
from tests.support.lanes import BothLanes, batch_frame, send_frame

SENDS = {10, 310, 320}


def pool() -> list[bytes]:
    """Return sends of ours and recorded ones."""
    ours = [
        send_frame(serialize_type=s, v1=v, properties=p)
        for s in (0, 1)
        for v in (True, False)
        for p in (
            None,
            "UNIQ_KEY\x01AB01\x02",
            "a\x01b\x02TAGS\x01t\x02UNIQ_KEY\x01AB01\x02WAIT\x01true",
        )
    ]
    ours += [
        batch_frame("TAGS\x01t\x02UNIQ_KEY\x01A1", "UNIQ_KEY\x01A2\x02", serialize_type=s, flag=f)
        for s in (0, 1)
        for f in (0, 2)
    ]
    recorded = [
        frame
        for path in frame_files("b_send*")
        for entry, frame in frames(path)
        if entry["kind"] == "request" and decode_command(frame).code in SENDS
    ]
    return ours * 8 + [frame for frame in recorded if len(frame) < 4096]


def run(lanes: BothLanes, samples: list[bytes], count: int, rng: Random) -> bytes | None:
    """Feed ``count`` buffers; give the first that made a difference."""
    for _ in range(count):
        pieces = [
            with_true_length(mutate(rng, samples)) if rng.random() < 0.7 else rng.choice(samples)
            for _ in range(rng.randrange(1, 5))
        ]
        data = b"".join(pieces)
        cut = rng.randrange(len(data) + 1)
        try:
            lanes.feed(data[:cut], data[cut:])
        except AssertionError as error:
            print(error)
            return data
        if lanes.clients[0].connection.closed or rng.random() < 0.3:
            lanes.reconnect()
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lane", choices=(PYTHON, NATIVE), default=NATIVE)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--release", default="5.5.0")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lanes = BothLanes(Path(folder), release_named(args.release), args.lane)
        lanes.warm()
        culprit = run(lanes, pool(), args.count, Random(args.seed))
        taken = lanes.taken
        lanes.close()
    if culprit is not None:
        raise SystemExit(f"the lanes differ after {culprit.hex()}")
    took = time.monotonic() - began
    print(f"{args.count:,} buffers, {taken:,} sends taken by the lane, no difference, {took:.0f} s")


if __name__ == "__main__":
    main()
