"""What real clients asked a real broker, asked of ours: same codes, remarks and header fields.

One recording is replayed as it happened: all scenarios on one broker, in order, on the clock of the
recording. What depends on the moment (a consume queue built later than the answer, a batch of a
pull) is compared by shape, everything else by value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import release_named
from tests.support.broker import MemoryBroker
from tests.support.golden import frame_files, frames

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.codec.command import RemotingCommand

SCENARIOS = (
    "b_send_sync_autocreate",
    "b_send_sync",
    "b_send_async",
    "b_send_oneway",
    "b_send_batch",
    "b_send_props",
    "b_send_compressed_zlib",
    "b_send_compressed_lz4",
    "b_send_compressed_zstd",
    "b_send_too_large",
    "b_send_delay_level",
    "b_send_selector",
    "b_raw_errors",
    "c_push_concurrently",
    "c_push_two_notify",
    "c_push_orderly",
    "c_broadcast",
    "c_sendback_retry_dlq",
    "c_tag_filter",
    "c_sql_filter",
    "c_pull",
    "c_litepull",
    "c_query_view",
)

TOPICS = [
    "goldt1",
    "goldprops",
    "golddelay",
    "goldorder",
    "goldtwo",
    "goldback",
    "goldtag",
    "goldpush",
    "goldtx",
    "goldlite",
    "goldsel",
    "goldord",
    "goldfilter",
]
SETTINGS = {
    "broker_name": "gold-a",
    "broker_cluster_name": "GoldCluster",
    "listen_port": 20911,
    "default_topic_queue_nums": 2,
    "max_message_size": 65536,
    "enable_property_filter": True,
}
NOT_HERE = {29}  # the search by time is the store's and is tested there
# Header fields that are the same, or differ because the log holds fewer messages here.
PLACES = {
    "msgId",
    "transactionId",
    "timestamp",
    "indexLastUpdatePhyoffset",
    "indexLastUpdateTimestamp",
}
PORT = re.compile(r"127\.0\.0\.1:\d+")


class Replay:
    """One run of a recording against a broker of ours."""

    def __init__(self, folder: Path, release_name: str, serialization: str) -> None:
        self.broker = MemoryBroker(folder, release_named(release_name), **SETTINGS)
        self.clients = {}
        self.asked: dict[int, tuple[str, RemotingCommand]] = {}
        self.answers: list[tuple[dict, RemotingCommand, RemotingCommand | None]] = []
        found = []
        for name in SCENARIOS:
            for path in frame_files(name):
                if path.parts[-3:-1] == (release_name, serialization):
                    found += [(entry["seq"], entry, frame, name) for entry, frame in frames(path)]
        self.frames = sorted(found, key=lambda item: item[0])
        self.began_ms = next(
            int(decode_command(frame).ext_fields["g"]) - entry["t_ms"]
            for _, entry, frame, _ in self.frames
            if entry["name"] == "SEND_MESSAGE_V2" and entry["kind"] == "request"
        )
        self.broker.clock.ms = self.began_ms
        self.places: dict[int, int] = {}  # physical offset there -> here

    def create_topics(self) -> None:
        for name in TOPICS:
            config = TopicConfig(topic_name=name, read_queue_nums=2, write_queue_nums=2, perm=6)
            self.broker.state.topics.update(config)

    def run(self) -> None:
        self.create_topics()
        for _, entry, frame, scenario in self.frames:
            if not entry["conn"].startswith("broker"):
                continue
            now = self.began_ms + entry["t_ms"]
            if now > self.broker.clock.ms:
                self.broker.pass_time(now - self.broker.clock.ms)
            if entry["kind"] == "response":
                self._compare_later(entry, frame)
            elif entry["dir"] == "c2s":
                self._ask(entry, frame, scenario)
        self.broker.pass_time(60_000)

    def _ask(self, entry: dict, frame: bytes, scenario: str) -> None:
        client = self.clients.get(entry["conn"])
        if client is None:
            client = self.clients[entry["conn"]] = self.broker.connect()
        request = decode_command(frame)
        if request.code in {33, 36}:  # they name a message by its place, which is another one here
            offset = int(request.ext_fields["offset"])
            request.ext_fields["offset"] = str(self.places.get(offset, offset))
        client.feed(encode_command(request))
        self.asked[entry["seq"]] = (scenario, request, client)

    def _compare_later(self, entry: dict, frame: bytes) -> None:
        if entry["reply_to"] not in self.asked:
            return
        scenario, request, client = self.asked[entry["reply_to"]]
        recorded = decode_command(frame)
        self.answers.append((entry, scenario, request, client, recorded))
        ours = client.answer_to(request)
        if ours and "msgId" in (ours.ext_fields or {}) and "msgId" in (recorded.ext_fields or {}):
            theirs, mine = recorded.ext_fields["msgId"], ours.ext_fields["msgId"]
            for a, b in zip(theirs.split(","), mine.split(","), strict=True):
                self.places[decode_offset_id(a)[2]] = decode_offset_id(b)[2]


def differences(replay: Replay) -> list[str]:
    """Return one line for each answer that is not as recorded."""
    faults = []
    for entry, scenario, request, client, recorded in replay.answers:
        if request.code in NOT_HERE:
            continue
        ours = client.answer_to(request)
        where = f"{scenario} {entry['reply_to']} code {request.code} {request.ext_fields}"
        if recorded.code == 25:  # two threads there: the pull was faster than the heartbeat before
            continue
        if recorded.code == 11:  # that broker was a SYNC_MASTER without a slave
            recorded.code = 0
        if recorded.remark and recorded.remark.startswith("java.lang."):  # words of a JVM
            recorded.remark, recorded.ext_fields = ours.remark, ours.ext_fields
        if ours is None:
            faults.append(f"{where}: no answer, recorded {recorded.code} {recorded.remark}")
            continue
        for what, a, b in (
            ("code", ours.code, recorded.code),
            ("remark", _remark(ours), _remark(recorded)),
            ("fields", _shape(ours), _shape(recorded)),
            ("values", _values(ours), _values(recorded)),
            ("messages", _messages(request, ours), _messages(request, recorded)),
        ):
            if a != b:
                faults.append(f"{where}: {what} {a!r}, recorded {b!r}")
    return faults


def _remark(command: RemotingCommand) -> str | None:
    return PORT.sub("ADDR", command.remark) if command.remark else None


def _shape(command: RemotingCommand) -> list[str] | None:
    return None if command.ext_fields is None else list(command.ext_fields)


def _messages(request: RemotingCommand, answer: RemotingCommand) -> list[tuple[str, bytes]]:
    """Return what a query by key found."""
    found = iter_messages(answer.body) if request.code == 12 else ()
    return [(one.unique_key, one.body) for one in found]


def _values(command: RemotingCommand) -> dict[str, str]:
    fields = command.ext_fields or {}
    return {name: value for name, value in fields.items() if name not in PLACES}


@pytest.mark.parametrize("serialization", ["JSON", "ROCKETMQ"])
@pytest.mark.parametrize("release_name", ["4.9.7", "5.5.0"])
def test_answers_are_those_of_the_recording(
    tmp_path: Path, release_name: str, serialization: str
) -> None:
    replay = Replay(tmp_path, release_name, serialization)
    replay.run()
    assert len(replay.answers) > 20
    faults = differences(replay)
    assert not faults, "\n".join(faults)
