"""Sessions of mutated requests against whole servers: no bug shows, nobody else is disturbed.

The recorded requests of all scenarios, with their fields and bytes changed, go through connection,
dispatch, processors, tables and store, in one process without sockets. A longer run than the tests'
own is ``RMQWIRE_FUZZ_FRAMES=100000 pytest --timeout 900 tests/end_to_end/test_session_fuzz.py``.
"""

from __future__ import annotations

import os
from functools import cache
from random import Random

import pytest

from fuzz.mutate import TOKENS, mutate, with_true_length
from rmqwire.codec.bodies import TopicList
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.errors import RmqError
from rmqwire.namesrv.names import is_topic
from rmqwire.remoting.limited_log import LimitedLog
from tests.end_to_end.support import tracebacks
from tests.namesrv.support import Server
from tests.support import requests
from tests.support.broker import Client, MemoryBroker
from tests.support.golden import frame_files, frames

FRAMES = int(os.environ.get("RMQWIRE_FUZZ_FRAMES", "4000"))
SEEDS = (1, 2)
NUMBERS = (-1, -2, 0, 1, 3, 16, 99, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, 2**63, -(2**63), 10**30)
LENGTHS = (121, 128, 256, 40_000)
ENDINGS = ("\x01", "\x02", "../", "%", "é", "😀", "\x00", " ", "\n")
OTHER_CODES = (10, 11, 310, 320, 34, 35, 36, 17, 215, 200, 25, 30, 46, 222)


@cache
def recorded_requests(server: str) -> tuple[bytes, ...]:
    """Return a request of each code, serialisation and set of fields that a server was sent."""
    found: dict[tuple[object, ...], bytes] = {}
    for path in frame_files():
        for entry, frame in frames(path):
            asked = entry["conn"].startswith(server) and entry["dir"] == "c2s"
            if asked and entry["kind"] != "response" and len(frame) < 16_000:
                fields = decode_command(frame).ext_fields or {}
                found.setdefault((entry["code"], frame[4], *sorted(fields)), frame)
    return tuple(found.values())


def changed_value(rng: Random, value: str, others: list[str]) -> str | None:
    """Return another value for a field, None for no field."""
    ways = (
        lambda: None,
        lambda: "",
        lambda: str(rng.choice(NUMBERS)),
        lambda: rng.choice(TOKENS).decode("utf-8", "replace"),
        lambda: "x" * rng.choice(LENGTHS),
        lambda: rng.choice(others),
        lambda: value + rng.choice(ENDINGS),
    )
    return rng.choice(ways)()


def with_other_fields(rng: Random, frame: bytes) -> bytes:
    """Return a well-formed frame whose contents make less sense than before."""
    command = decode_command(frame)
    fields = dict(command.ext_fields or {})
    for _ in range(rng.choice((1, 1, 2, 3))):
        if fields:
            name = rng.choice(list(fields))
            value = changed_value(rng, fields.pop(name), ["1", *fields.values()])
            if value is not None:
                fields[name] = value
    code = command.code if rng.random() < 0.9 else rng.choice(OTHER_CODES)
    body = bytes(command.body)
    other = RemotingCommand(
        code,
        fields,
        mutate(rng, [body]) if rng.random() < 0.3 else body,
        flag=command.flag,
        serialize_type=command.serialize_type,
        version=command.version,
    )
    try:
        return encode_command(other)
    except RmqError:  # too long for the ROCKETMQ serialisation
        return frame


def changed(rng: Random, pool: tuple[bytes, ...]) -> bytes:
    if rng.random() < 0.7:
        return with_other_fields(rng, rng.choice(pool))
    return with_true_length(mutate(rng, pool))


def check_healthy(client: Client, number: int) -> None:
    body = b"healthy %d" % number
    answer = client.call(requests.send("Healthy", body))
    assert answer.code == 0, answer
    answer = client.call(requests.pull("Healthy", int(answer.ext_fields["queueOffset"])))
    assert answer.code == 0, answer
    assert [message.body for message in iter_messages(answer.body)] == [body]


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_mutated_requests_hurt_nobody(tmp_path, caplog, monkeypatch, release, seed):
    monkeypatch.setattr(LimitedLog, "_log", unlimited(LimitedLog._log))
    for sync in ("datasync", "fsync_dir"):  # no power is cut here
        monkeypatch.setattr(RealFiles, sync, lambda *_: None)
    rng = Random(f"{seed}/{release.name}")
    pool = recorded_requests("broker")
    assert len(pool) > 150
    broker = MemoryBroker(tmp_path, release)
    hostile, closed = broker.connect(), 0
    for number in range(FRAMES):
        hostile.feed(changed(rng, pool))  # raises nothing, whatever comes
        if hostile.connection.closed:
            closed += 1
            hostile.close()
            hostile = broker.connect()
        if number % 50 == 0:
            broker.pass_time(1000)
        if number % 400 == 0:
            fresh = broker.connect()
            check_healthy(fresh, number)
            fresh.close()
            assert not tracebacks(caplog)
            caplog.clear()
    assert closed  # not only harmless bytes came
    end = broker.state.store.max_phy_offset
    broker.close()
    assert not tracebacks(caplog)
    again = MemoryBroker(tmp_path, release)
    assert again.state.store.max_phy_offset == end
    check_healthy(again.connect(), -1)
    again.close()
    assert not tracebacks(caplog)


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
def test_mutated_requests_do_not_hurt_the_name_server(tmp_path, caplog, monkeypatch, release):
    monkeypatch.setattr(LimitedLog, "_log", unlimited(LimitedLog._log))
    rng = Random(f"namesrv/{release.name}")
    pool = recorded_requests("namesrv")
    assert len(pool) > 40
    server = Server(release=release, home=str(tmp_path))
    hostile = server.connect()
    for _ in range(FRAMES):
        hostile.receive_data(changed(rng, pool))
        hostile.data_to_send()
        if hostile.closed:
            server.routes.connection_closed(hostile)
            hostile = server.connect()
    question = RemotingCommand(206, {})  # all topics: whatever was registered can be listed
    answer = server.table.handle(server.connect(), question)
    assert answer.code == 0
    assert all(
        is_topic(topic) for topic in TopicList.decode(answer.body).topic_list if "." not in topic
    )
    assert not tracebacks(caplog)
    again = Server(release=release, home=str(tmp_path))
    again.kv.load()
    assert again.kv.table == server.kv.table


def unlimited(log):
    """Let the rate limit of log lines hide nothing."""

    def every_line(self, *args):
        self._seen.clear()
        return log(self, *args)

    return every_line
