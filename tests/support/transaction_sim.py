"""Transactions on a recorded disk, and what a broker makes of each disk that a power cut may leave.

Each half message has an intent from the start: commit, rollback, or whatever the check is told, which
is the same. A run sends, ends, checks and restarts; what was answered becomes an event. On each crash
state a broker starts, the producer answers every check by its intents, and in the end the topic must
hold what was to be committed, once, and nothing else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial

from rmqwire.broker.core import BrokerCore
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.broker.transaction.check import TransactionCheck
from rmqwire.broker.transaction.half_message import GIVEN_UP_TOPIC
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand, decode_frame, encode_command
from rmqwire.codec.headers import EndTransactionRequestHeader
from rmqwire.codec.message_const import PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX as UNIQ_KEY
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import release_named
from rmqwire.codec.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE
from rmqwire.errors import RmqError
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.store.results import PutStatus
from tests.support import requests
from tests.support.crash_states import SYNC, Run, crash_states, new_disk
from tests.support.recording_files import RecordingFiles
from tests.support.stores import BORN, Clock, message, small_config

MINUTE_MS = 60_000


@dataclass
class Answered:
    """What the producer was answered up to some moment."""

    stored: set[str] = field(default_factory=set)  # half messages
    ended: set[str] = field(default_factory=set)


class Broker:
    """A broker without sockets on a disk, and the producer of its half messages."""

    def __init__(self, files, release: str, clock: Clock) -> None:
        config = small_config(**(SYNC | {"mapped_file_size_commit_log": 16384}))
        loaded = LoadedConfig(BrokerConfig(), config, release_named(release), [])
        self.clock = clock
        self.core = BrokerCore(loaded, files, clock, random.Random(1))
        self.core.open()
        self.state = self.core.state
        self.transactions = self.state.transactions
        self.asked: list[tuple] = []

    def finish_pass(self) -> None:
        """End the pass and let the disk have it."""
        store = self.state.store
        store.puts.end_pass()
        plan = store.flushes.log_flush_plan(thorough=True)
        if plan is not None:
            store.flushes.run_flush(plan)

    def send(self, key: str, done) -> None:
        """Put a half message into the running pass; ``done`` is called when it is stored."""
        half = message("T", 0, key.encode(), born_timestamp=self.clock(), born_host=BORN)
        properties = {UNIQ_KEY: key, "TRAN_MSG": "true", "PGROUP": "pg"}

        def answer(result):
            if result.status == PutStatus.PUT_OK:
                done(result.physical_offset)

        self.transactions.prepare(half, properties, answer)

    def end(self, offset: int, *, commit: bool, done) -> None:
        """End a transaction as END_TRANSACTION does; ``done`` is called when that is answered."""
        half = self.transactions.look(offset)
        if half is None:
            return
        if self.transactions.how_ended(half) is not None:
            done()
        elif commit:
            self.transactions.commit(half, lambda result: result.is_stored and done())
        else:
            self.transactions.rollback(half)
            done()

    def ask(self, half, copy) -> None:
        """Take a check, as the listener that sends it."""
        self.asked.append((half.properties[UNIQ_KEY], copy.physical_offset))

    def check(self) -> list[tuple]:
        """Check once; return (key, offset of the copy) for each question."""
        check = TransactionCheck(self.transactions, self.state.topics, self)
        while check.step():
            self.finish_pass()
        self.finish_pass()
        asked, self.asked = self.asked, []
        return asked

    def write(self) -> None:
        """Write ops and offsets that are due."""
        self.transactions.write_ops()
        self.finish_pass()
        self.core.persist_offsets()

    def bodies(self, topic: str = "T") -> list[str]:
        """Return what a topic holds, sorted."""
        found, offset = [], 0
        while body := self.state.store.get_message(topic, 0, offset, 32).body:
            messages = list(iter_messages(body))
            found += [one.body.decode() for one in messages]
            offset += len(messages)
        return sorted(found)


class LaneBroker(Broker):
    """A broker whose producer sends frames, so that a lane takes what is plain of them."""

    def __init__(self, files, release: str, clock: Clock) -> None:
        super().__init__(files, release, clock)
        self._connection = Connection(self.core.handlers, "127.0.0.1:4000")
        self._connection.corked = True
        self._frames: list[bytes] = []
        self._sent: list = []  # what to call for each answer
        self._ended: list = []  # what to call when the pass has ended

    def send(self, key: str, done) -> None:
        properties = f"UNIQ_KEY\x01{key}\x02TRAN_MSG\x01true\x02PGROUP\x01pg\x02"
        half = requests.send(
            body=key.encode(), properties=properties, born_timestamp=self.clock(), sys_flag=4
        )
        half.opaque = len(self._sent)
        self._sent.append(done)
        self._frames.append(encode_command(half))

    def end(self, offset: int, *, commit: bool, done) -> None:
        record = self.state.store.look_message(offset)
        if record is None:
            return
        header = EndTransactionRequestHeader(
            producer_group="pg",
            tran_state_table_offset=next(iter_messages(record)).queue_offset,
            commit_log_offset=offset,
            commit_or_rollback=(TRANSACTION_COMMIT_TYPE if commit else TRANSACTION_ROLLBACK_TYPE),
            msg_id="x",
        )
        request = RemotingCommand.request(RequestCode.END_TRANSACTION, header)
        request.mark_oneway()
        self._frames.append(encode_command(request))
        self._ended.append(done)

    def finish_pass(self) -> None:
        frames, self._frames = self._frames, []
        sent, self._sent = self._sent, []
        ended, self._ended = self._ended, []
        self._connection.receive_data(b"".join(frames))
        super().finish_pass()
        for frame in FrameReader().receive_data(self._connection.data_to_send()):
            answer = decode_frame(bytes(frame))
            if answer.code == 0:
                sent[answer.opaque](decode_offset_id(answer.ext_fields["msgId"])[2])
        for done in ended:
            done()


def to_commit(key: str) -> bool:
    """Return a half message's intent."""
    return key.startswith("c")


class Recorder:
    """Lets a broker work on a recorded disk and notes what the producer was answered."""

    def __init__(self, seed: int, release: str, kind: type[Broker]) -> None:
        self.rng = random.Random(seed)
        disk = new_disk()
        self.run = Run(release, disk.copy())
        self.files = RecordingFiles(disk)
        self.run.trace = self.files.trace
        self.clock = Clock()
        self.broker = kind(self.files, release, self.clock)
        self.open: dict[str, int] = {}  # half messages whose producer hasn't ended them -> offset

    def note(self, kind: str, key: str) -> None:
        self.run.events.append((len(self.run.trace), (kind, key)))

    def send(self, number: int) -> None:
        """Send up to three half messages in one pass."""
        for part in range(self.rng.choice((1, 1, 3))):
            key = f"{self.rng.choice('cr')}{number}.{part}"
            self.broker.send(key, partial(self._stored, key))
        self.broker.finish_pass()

    def _stored(self, key: str, offset: int) -> None:
        self.open[key] = offset
        self.note("stored", key)

    def end(self) -> None:
        """End some of those that are open in one pass."""
        for key in [key for key in self.open if self.rng.random() < 0.4]:
            ended = partial(self.note, "ended", key)
            self.broker.end(self.open.pop(key), commit=to_commit(key), done=ended)
        self.broker.finish_pass()

    def check(self) -> None:
        """Check; the producer goes on from the copies."""
        self.clock.now_ms += 7_000
        asked = dict(self.broker.check())
        self.open |= {key: asked[key] for key in self.open.keys() & asked.keys()}

    def restart(self) -> None:
        """Stop in order and start again."""
        self.broker.core.close()
        self.broker = type(self.broker)(self.files, self.run.config, self.clock)


def record_run(seed: int, release: str, kind: type[Broker] = Broker, steps: int = 30) -> Run:
    """Let a broker take, end and check half messages for a while on a recorded disk."""
    recorder = Recorder(seed, release, kind)
    rng = recorder.rng
    for number in range(steps):
        recorder.clock.now_ms += rng.choice((1, 400, 3_100))
        recorder.send(number)
        recorder.end()
        if rng.random() < 0.4:
            recorder.broker.write()
        if rng.random() < 0.25:
            recorder.check()
        if rng.random() < 0.05:
            recorder.restart()
    return recorder.run


def survive(files, release: str, answered: Answered, clock_ms: int) -> list[str]:
    """Start on a crashed disk, answer every check, say what is wrong then."""
    clock = Clock(clock_ms)
    try:
        broker = Broker(files, release, clock)
    except (RmqError, OSError) as error:
        return [f"the broker does not start: {error!r}"]
    broker.finish_pass()
    seen_at_once = broker.bodies()
    asked = []
    for _ in range(3):
        clock.now_ms += MINUTE_MS
        for key, offset in broker.check():
            asked.append(key)
            broker.end(offset, commit=to_commit(key), done=lambda: None)
            broker.finish_pass()
        broker.write()
    wrong = judge(broker.bodies(), seen_at_once, asked, answered)
    if given_up := broker.bodies(GIVEN_UP_TOPIC):
        wrong.append(f"given up: {given_up}")
    if broker.check():
        wrong.append("not all is over when all was answered")
    return wrong


def judge(
    bodies: list[str], seen_at_once: list[str], asked: list[str], answered: Answered
) -> list[str]:
    """Say what is wrong with a topic when every check was answered."""
    must = {key for key in answered.stored if to_commit(key)}
    found = {
        "seen twice": {one for one in bodies if bodies.count(one) > 1},
        "rolled back, and seen": {one for one in bodies if not to_commit(one)},
        "lost": must - set(bodies),
        "vanished": set(seen_at_once) - set(bodies),
        "committed, and asked about": {key for key in asked if to_commit(key)} & answered.ended,
    }
    return [f"{what}: {sorted(keys)}" for what, keys in found.items() if keys]


def sweep(run: Run, seed: int, limit: int) -> tuple[int, list]:
    """Check ``limit`` crash states of a run; return how many, and what was wrong on which."""
    rng = random.Random(seed)
    moments = len(run.trace) + 1
    boundaries = set(rng.sample(range(moments), min(moments, max(limit // 4, 1))))
    answered, fed, count, wrong = Answered(), 0, 0, []
    for state in crash_states(run, rng, boundaries, 6):
        if count >= limit:
            break
        count += 1
        while fed < len(run.events) and run.events[fed][0] <= state.at:
            kind, key = run.events[fed][1]
            getattr(answered, kind).add(key)
            fed += 1
        found = survive(state.files, run.config, answered, Clock()() + 10 * MINUTE_MS)
        if found:
            wrong.append((state.at, state.name, found))
    return count, wrong
