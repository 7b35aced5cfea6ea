"""Popping on a disk that loses power: what a broker has done, and what must come after a crash.

A life is recorded: messages are sent, popped, acknowledged one by one, several at once, twice or too
late, their time is changed. Every change on the disk is a moment at which a crash may come. What is in
the topic after the crash must come, unless an ack was on its way; what was acknowledged in time, and
confirmed, must not come where the flush is synchronous.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.record import iter_messages
from tests.broker.pop.support import TOPIC, Consumer, PopBroker, batch_ack, batch_entry, send
from tests.support import requests
from tests.support.crash_states import CrashState, Run, crash_states
from tests.support.faulty_files import Fault, FaultyFiles, ProcessKilled
from tests.support.recording_files import RecordingFiles
from tests.support.sim_files import SimFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.codec.message import StoredMessage

SYNC = {"flush_disk_type": "SYNC_FLUSH"}
QUEUES = 2
MARGIN_MS = 3_000
AFTER_MS = 60_000  # every time that was asked for is over by then
STEPS = 18
KILLED_SEED, KILLED_STEPS = 5, 40
Bodies = set[bytes]


def start(files, now_ms=None, **settings) -> PopBroker:
    """Start a broker that flushes as soon as it's wanted."""
    broker = PopBroker(files, now_ms=now_ms, **settings)
    broker.state.store.events.flush_wanted = broker.state.store.flush
    return broker


def flush(broker: PopBroker) -> None:
    """Do what a broker's timers write from time to time."""
    timers, files = broker.state.timers, broker.state.store.files
    plan = timers.flush_plan()
    if plan is not None:
        plan.run(files)
        timers.flushed(plan)
    broker.core.persist_offsets()
    queues = broker.state.store.flushes.queue_flush_plan(thorough=True)
    queues.run(files)
    broker.state.store.flushes.queues_flushed(queues, thorough=True)


@dataclass
class Acks:
    """What was acknowledged, each with the number of changes on the disk then."""

    asked: list[tuple[int, bytes]] = field(default_factory=list)  # on its way
    confirmed: list[tuple[int, bytes]] = field(default_factory=list)  # answered, and in time

    def asked_by(self, at: int) -> Bodies:
        return {body for when, body in self.asked if when <= at}

    def confirmed_by(self, at: int) -> Bodies:
        """Leave out what was popped again before its first ack counted."""
        times = Counter(body for _, body in self.asked)
        return {body for when, body in self.confirmed if when <= at and times[body] == 1}


class PopLife:
    """A broker on a disk, and a consumer that does whatever consumers do.

    Args:
        files: the disk.
        rng: decides everything.
        changes: tells how many changes of the disk there were.
        settings: of broker and store.
    """

    def __init__(self, files, rng: Random, changes=lambda: 0, **settings) -> None:
        self.acks = Acks()
        self._rng = rng
        self._changes = changes
        self._held: dict[bytes, StoredMessage] = {}
        self._sent = 0
        self.broker = start(files, **settings)
        self._consumer = Consumer(self.broker)
        self._consumer.client.call(requests.create_topic(TOPIC, queues=QUEUES))
        self.broker.turn()
        flush(self.broker)

    def step(self) -> None:
        """Do one thing."""
        doings = (self._send, self._pop, self._pop, self._time, self._time, self._flush)
        if self._held:
            doings += (self._ack, self._ack, self._ack_several, self._ack_twice, self._change)
        self._rng.choice(doings)()

    def _send(self) -> None:
        for _ in range(3):
            send(self._consumer.client, b"%d" % self._sent, self._rng.randrange(QUEUES))
            self._sent += 1

    def _pop(self) -> None:
        found = self._consumer.pop(invisible_time=self._rng.choice((4_000, 9_000)), max_msg_nums=4)
        self._held |= {message.body: message for message in found}

    def _time(self) -> None:
        self.broker.pass_time(self._rng.randrange(1, 6) * 1000)

    def _flush(self) -> None:
        flush(self.broker)

    def _any(self) -> StoredMessage:
        return self._held[self._rng.choice(sorted(self._held))]

    def _ack(self) -> None:
        message = self._any()
        self._acknowledge([message], lambda: self._consumer.ack(message))

    def _ack_twice(self) -> None:
        message = self._any()
        self._acknowledge([message], lambda: self._consumer.ack(message))
        assert self._consumer.ack(message).code == 0

    def _ack_several(self) -> None:
        """Acknowledge some messages of one pop of one queue in one request."""
        first = self._any()
        handle = ExtraInfo.decode(first.properties["POP_CK"])
        same = [one for one in self._held.values() if _same_pop(one, handle)]
        some = self._rng.sample(same, self._rng.randint(1, len(same)))
        bits = sum(1 << message.queue_offset - handle.ck_queue_offset for message in some)
        text = b64encode(bits.to_bytes(bits.bit_length() // 8 + 1, "little")).decode()
        request = batch_ack(batch_entry(first, text))
        self._acknowledge(some, lambda: self._consumer.client.call(request))

    def _acknowledge(self, messages: list[StoredMessage], ask) -> None:
        in_time = all(self._left_ms(message) > MARGIN_MS for message in messages)
        flush(self.broker)  # a group's offset may go back as far as the last writing of the table
        for message in messages:
            del self._held[message.body]
            self.acks.asked.append((self._changes(), message.body))
        assert ask().code == 0
        if in_time:
            self.acks.confirmed += [(self._changes(), message.body) for message in messages]

    def _change(self) -> None:
        """Change a time; where it's nearly over the message may be on its way, and come twice."""
        message = self._any()
        if self._left_ms(message) > MARGIN_MS:
            old = message.properties["POP_CK"]
            assert self._consumer.change(message, self._rng.choice((2_000, 12_000))).code == 0
            if self._rng.random() < 0.3:  # who has the old handle only takes nothing away by it
                self._consumer.ack(message, extra_info=old)

    def _left_ms(self, message: StoredMessage) -> int:
        handle = ExtraInfo.decode(message.properties["POP_CK"])
        return handle.pop_time + handle.invisible_time - self.broker.clock.ms


def _same_pop(message: StoredMessage, handle: ExtraInfo) -> bool:
    other = ExtraInfo.decode(message.properties["POP_CK"])
    return (
        (other.pop_time, other.topic_tag, other.queue_id, other.ck_queue_offset)
        == (handle.pop_time, handle.topic_tag, handle.queue_id, handle.ck_queue_offset)
    )  # fmt: skip


def delivered(broker: PopBroker, ask=lambda body: None) -> Bodies:
    """Let all times pass; acknowledge what comes meanwhile.

    Args:
        broker: whose.
        ask: told each body before its ack.
    """
    consumer = Consumer(broker)
    came: Bodies = set()
    for _ in range(AFTER_MS // 6_000):
        while messages := consumer.pop(invisible_time=40_000):
            for message in messages:
                came.add(message.body)
                ask(message.body)
                consumer.ack(message)
        broker.pass_time(6_000)
    return came


def stored(broker: PopBroker) -> Bodies:
    """Return the bodies of all messages of the topic."""
    store = broker.state.store
    found: Bodies = set()
    for queue_id in range(QUEUES):
        offset = 0
        while offset < store.max_offset(TOPIC, queue_id):
            result = store.get_message(TOPIC, queue_id, offset, 32)
            found |= {message.body for message in iter_messages(result.body)}
            offset = result.next_begin_offset
    return found


class PopCrashes:
    """One recorded life, and its crashes.

    Args:
        seed: decides everything.
        settings: of broker and store.

    Attributes:
        states: disks that were looked at.
    """

    def __init__(self, seed: int, **settings) -> None:
        self._rng = Random(seed)
        self._settings = settings
        self._sync = settings.get("flush_disk_type") == "SYNC_FLUSH"
        disk = SimFiles(4096)
        recording = RecordingFiles(disk)
        life = PopLife(recording, self._rng, lambda: len(recording.trace), **settings)
        disk.settle()
        recording.trace.clear()
        self._run = Run(None, disk.copy(), recording.trace)
        for _ in range(STEPS):
            life.step()
        self.states = 0
        self._acks = life.acks
        self._end_ms = life.broker.clock.ms

    @property
    def changes(self) -> int:
        """How many changes of the disk there were."""
        return len(self._run.trace)

    def findings(self, moments: int, *, twice: bool = False) -> Iterator[str]:
        """Yield what is wrong after crashes.

        Args:
            moments: of the life at which the power goes.
            twice: it goes once more while what was left open comes again.
        """
        chosen = self._rng.sample(range(len(self._run.trace) + 1), moments)
        for state in crash_states(self._run, self._rng, set(chosen), per_boundary=2):
            self.states += 1
            yield from self._again(state) if twice else self._once(state)

    def _once(self, state: CrashState) -> Iterator[str]:
        broker = start(state.files, now_ms=self._end_ms, **self._settings)
        there = stored(broker)
        came = delivered(broker)
        if lost := there - came - self._acks.asked_by(state.at):
            yield f"{state.at} {state.name}: lost {sorted(lost)}"
        if self._sync and (again := came & self._acks.confirmed_by(state.at)):
            yield f"{state.at} {state.name}: acknowledged and given again {sorted(again)}"

    def _again(self, first: CrashState) -> Iterator[str]:
        recording = RecordingFiles(first.files)
        run = Run(None, first.files.copy(), recording.trace)
        acks = Acks()
        broker = start(recording, now_ms=self._end_ms, **self._settings)
        delivered(broker, lambda body: acks.asked.append((len(recording.trace), body)))
        moment = self._rng.randrange(len(recording.trace) + 1)
        for state in crash_states(run, self._rng, {moment}, per_boundary=3):
            second = start(state.files, now_ms=broker.clock.ms, **self._settings)
            there = stored(second)
            asked = self._acks.asked_by(first.at) | acks.asked_by(state.at)
            if lost := there - delivered(second) - asked:
                yield f"{first.at} {first.name}, {state.at} {state.name}: lost {sorted(lost)}"


def killed_at(call: int) -> str | None:
    """Kill a broker at a call of the disk; return what is wrong then, "" for nothing, None: it lived."""
    disk = SimFiles(4096)
    faulty = FaultyFiles(disk)
    life = PopLife(faulty, Random(KILLED_SEED), **SYNC)
    faulty.faults.append(Fault(first=call, kill=True))
    try:
        for _ in range(KILLED_STEPS):
            life.step()
    except ProcessKilled:
        broker = start(disk.copy(), now_ms=life.broker.clock.ms, **SYNC)
        there = stored(broker)
        came = delivered(broker)
        lost, again = there - came - life.acks.asked_by(0), came & life.acks.confirmed_by(0)
        return f"call {call}: lost {sorted(lost)}, again {sorted(again)}" if lost or again else ""
    return None
