"""What Java's mqadmin asked and printed, recorded: ``rmqwire admin`` is given the same answers.

``tests/data/admin/mqadmin.jsonl.gz`` has for each call its words, the lines that mqadmin of that release
printed (its stderr among them), and each request with its answer as frames.
"""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from click.testing import CliRunner

from rmqwire.cli import main
from rmqwire.codec.command import RemotingCommand, decode_command

FILE = Path(__file__).parents[1] / "data" / "admin" / "mqadmin.jsonl.gz"
ADDRS = {
    "namesrv": "127.0.0.1:20876",
    "broker": "127.0.0.1:20911",
    "slave": "127.0.0.1:20931",
    "controller": "127.0.0.1:20878",
}


@dataclass(frozen=True)
class Recorded:
    """One call of mqadmin.

    Args:
        name: of the recording.
        release: of mqadmin and the servers.
        words: without ``admin``.
        printed: lines.
        frames: (address, request, response).
    """

    name: str
    release: str
    words: list[str]
    printed: list[str]
    frames: list[tuple[str, RemotingCommand, RemotingCommand]]


@cache
def recorded(name: str, release: str = "5.5.0") -> Recorded:
    """Return a recording by its name, such as ``topicStatus``."""
    with gzip.open(FILE, "rt") as file:
        rows = [json.loads(line) for line in file]
    (row,) = (one for one in rows if (one["name"], one["release"]) == (name, release))
    frames = [
        (
            ADDRS[peer],
            decode_command(base64.b64decode(asked)),
            decode_command(base64.b64decode(answer)),
        )
        for peer, asked, answer in row["frames"]
    ]
    words = shlex.split(row["words"])[1:]
    return Recorded(name, release, words, row["printed"], frames)


class Replay:
    """A remoting that gives the recorded answers, to the recorded requests alone.

    Args:
        call: what was recorded.
    """

    def __init__(self, call: Recorded) -> None:
        self.frames = call.frames

    async def invoke(self, addr, command, timeout_ms=3000):
        """Return the answer that Java gave to the same request: code, fields and body."""
        asked = (addr, command.code, _fields(command), bytes(command.body or b""))
        known = {
            (to, request.code, _fields(request), bytes(request.body or b"")): response
            for to, request, response in self.frames
        }
        assert asked in known, f"mqadmin asked nothing like {asked}, but {list(known)}"
        return known[asked]


def _fields(command: RemotingCommand) -> tuple[tuple[str, str], ...]:
    """Return the fields of a request, whatever their order; but for the time of the call."""
    fields = {key: one for key, one in (command.ext_fields or {}).items() if key != "invokeTime"}
    return tuple(sorted(fields.items()))


def replay(
    monkeypatch, name: str, *more: str, release: str = "5.5.0"
) -> tuple[list[str], list[str]]:
    """Return what mqadmin printed and what ``rmqwire admin`` prints of the same answers.

    Args:
        monkeypatch: pytest's.
        name: of the recording.
        more: further words, such as ``--yes``.
        release: of mqadmin and the servers.
    """
    call = recorded(name, release)

    @asynccontextmanager
    async def remoting():
        yield Replay(call)

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("rmqwire.cli.admin.verb.remoting_client", remoting)
    result = CliRunner().invoke(main, ["admin", *call.words, *more])
    if result.exit_code != 0 and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return call.printed, result.stdout.splitlines()
