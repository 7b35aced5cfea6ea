"""Popped messages and their acks, whenever the power goes: none lost, none confirmed and given again.

A broker hands out, takes acks, changes times and brings back; every change on the disk is a moment at
which a crash may come. What is in its topic after the crash must come, unless it was acknowledged;
with SYNC_FLUSH what was acknowledged, and confirmed in time, must not come.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from random import Random

import pytest

from rmqwire.broker.pop.check_points import CheckPoints
from rmqwire.broker.pop.offsets import PopOffsets, Step
from rmqwire.broker.pop.revive_log import ReviveLog
from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.record import iter_messages
from rmqwire.store.results import PutMessageResult, PutStatus
from tests.broker.pop.support import TOPIC, Consumer, PopBroker, send
from tests.support import requests
from tests.support.crash_states import Run, crash_states
from tests.support.recording_files import RecordingFiles
from tests.support.sim_files import SimFiles

SYNC = {"flush_disk_type": "SYNC_FLUSH"}
MARGIN_MS = 3_000
AFTER_MS = 60_000  # every time that was asked for is over by then


@dataclass
class Story:
    """What happened, each with the number of changes on the disk when it had happened."""

    run: Run
    end_ms: int = 0
    asked: list[tuple[int, bytes]] = field(default_factory=list)  # an ack is on its way
    confirmed: list[tuple[int, bytes]] = field(default_factory=list)  # and was answered, in time


def start(files, now_ms=None, **settings) -> PopBroker:
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


def live(seed: int, **settings) -> Story:
    rng = Random(seed)
    disk = SimFiles(4096)
    recording = RecordingFiles(disk)
    broker = start(recording, **settings)
    consumer = Consumer(broker)
    consumer.client.call(requests.create_topic(TOPIC, queues=2))
    broker.turn()
    flush(broker)
    disk.settle()
    recording.trace.clear()
    story = Story(Run(None, disk.copy(), recording.trace))
    held, sent = {}, 0
    for _ in range(16):
        what = rng.choice(("send", "pop", "pop", "ack", "ack", "change", "time", "time", "flush"))
        if what == "send":
            for _ in range(3):
                send(consumer.client, b"%d" % sent, rng.randrange(2))
                sent += 1
        elif what == "pop":
            found = consumer.pop(invisible_time=rng.choice((4_000, 9_000)), max_msg_nums=4)
            held |= {message.body: message for message in found}
        elif what == "ack" and held:
            message = held.pop(rng.choice(sorted(held)))
            in_time = left_ms(message, broker) > MARGIN_MS
            flush(broker)  # a group's offset may go back as far as the last writing of the table
            story.asked.append((len(recording.trace), message.body))
            assert consumer.ack(message).code == 0
            if in_time:
                story.confirmed.append((len(recording.trace), message.body))
        elif what == "change" and held:
            message = held[rng.choice(sorted(held))]
            if (
                left_ms(message, broker) > MARGIN_MS
            ):  # else it may be on its way already, and come twice
                consumer.change(message, rng.choice((2_000, 12_000)))
        elif what == "time":
            broker.pass_time(rng.randrange(1, 6) * 1000)
        else:
            flush(broker)
    story.end_ms = broker.clock.ms
    return story


def left_ms(message, broker: PopBroker) -> int:
    handle = ExtraInfo.decode(message.properties["POP_CK"])
    return handle.pop_time + handle.invisible_time - broker.clock.ms


def delivered_after(broker: PopBroker) -> set[bytes]:
    """Let all times pass; acknowledge what comes meanwhile."""
    consumer = Consumer(broker)
    came: set[bytes] = set()
    for _ in range(AFTER_MS // 6_000):
        while messages := consumer.pop(invisible_time=40_000):
            for message in messages:
                came.add(message.body)
                consumer.ack(message)
        broker.pass_time(6_000)
    return came


def stored(broker: PopBroker) -> set[bytes]:
    store = broker.state.store
    found: set[bytes] = set()
    for queue_id in range(2):
        offset = 0
        while offset < store.max_offset(TOPIC, queue_id):
            result = store.get_message(TOPIC, queue_id, offset, 32)
            found |= {message.body for message in iter_messages(result.body)}
            offset = result.next_begin_offset
    return found


def findings(seed: int, states: int, **settings) -> list[str]:
    story = live(seed, **settings)
    rng = Random(seed)
    moments = rng.sample(range(len(story.run.trace) + 1), states)
    found = []
    for state in crash_states(story.run, rng, set(moments), per_boundary=2):
        broker = start(state.files, now_ms=story.end_ms, **settings)
        there = stored(broker)
        came = delivered_after(broker)
        asked = {body for at, body in story.asked if at <= state.at}
        confirmed = {body for at, body in story.confirmed if at <= state.at}
        if lost := there - came - asked:
            found.append(f"{state.at} {state.name}: lost {sorted(lost)}")
        if settings and (again := came & confirmed - doubled(story)):
            found.append(f"{state.at} {state.name}: acknowledged and given again {sorted(again)}")
    return found


def doubled(story: Story) -> set[bytes]:
    """Return what was acknowledged more than once: popped again before its first ack counted."""
    bodies = [body for _, body in story.asked]
    return {body for body in bodies if bodies.count(body) > 1}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("settings", [{}, SYNC], ids=["ASYNC_FLUSH", "SYNC_FLUSH"])
def test_pops_and_power_cuts(seed, settings):
    logging.disable()
    try:
        assert findings(seed, 5, **settings) == []
    finally:
        logging.disable(logging.NOTSET)


def offsets_ahead_of_check_points(patch):
    def begin(self, key, next_offset):
        self._commit(key.group, key.topic, key.queue_id, next_offset)
        return Step(key, next_offset)

    patch.setattr(PopOffsets, "begin", begin)


def no_check_points(patch):
    def put_check_point(self, point, revive_qid, done):
        done(PutMessageResult(PutStatus.PUT_OK, 0, 0))

    patch.setattr(ReviveLog, "put_check_point", put_check_point)


def check_points_passed_when_they_are_due(patch):
    def pass_settled(self, read_to_ms, flushed):
        passed = -1
        while self._in_order:
            passed = self._in_order.popleft().revive_offset
        self._by_key.clear()
        return passed

    patch.setattr(CheckPoints, "pass_settled", pass_settled)


def acks_confirmed_before_they_are_stored(patch):
    def put_ack(self, ack, revive_qid, at_ms, done):
        done(PutMessageResult(PutStatus.PUT_OK, 0, 0))

    patch.setattr(ReviveLog, "put_ack", put_ack)


MUTANTS = (
    offsets_ahead_of_check_points,
    no_check_points,
    check_points_passed_when_they_are_due,
    acks_confirmed_before_they_are_stored,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_seeded_fault_is_found(monkeypatch, mutant):
    mutant(monkeypatch)
    logging.disable()
    try:
        found = any(findings(seed, 6, **how) for seed in range(8) for how in (SYNC, {}))
        assert found, "this would go unnoticed"
    finally:
        logging.disable(logging.NOTSET)
