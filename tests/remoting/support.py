"""Helpers of the remoting tests: frames, recorded answers, a clock."""

import base64
import gzip
import json
from pathlib import Path

from rmqwire.codec.command import decode_command, encode_command

GOLDEN = Path(__file__).parent.parent / "data" / "golden"


def frame(*commands):
    return b"".join(encode_command(command) for command in commands)


def golden(version, serialization, scenario):
    folder = GOLDEN / version / serialization
    path = next(folder.glob(f"{scenario}.jsonl*"))
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def golden_answer(version, serialization, scenario, code):
    """The recorded answer to the first request of ``code``."""
    records = golden(version, serialization, scenario)
    asked = next(r["seq"] for r in records if r["kind"] == "request" and r["code"] == code)
    reply = next(r for r in records if r.get("reply_to") == asked)
    return decode_command(base64.b64decode(reply["frame_b64"]))


class Clock:
    def __init__(self):
        self.now = 1000

    def __call__(self):
        return self.now
