"""T5-T7: popped messages and their acks, whenever the power goes: none lost, none confirmed and given again.

``enablePopBufferMerge`` changes nothing here: with it, too, a check point and its acks are in the log
before they are answered. What is run with the key on is what a broker makes of such a file.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rmqwire.broker.pop.check_points import CheckPoints, PointKey
from rmqwire.broker.pop.offsets import PopOffsets, Step
from rmqwire.broker.pop.revive import PopRevive
from rmqwire.broker.pop.revive_log import ReviveLog
from rmqwire.broker.processors.pop.change_invisible_time import ChangeInvisibleTimeProcessor
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.codec.bodies import BatchAckMsg
from rmqwire.codec.pop import revive_topic
from rmqwire.store.results import PutMessageResult, PutStatus
from tests.broker.pop.support import Consumer, PopBroker, send
from tests.support import requests
from tests.support.pop_sim import SYNC, PopCrashes, killed_at


def merging() -> dict[str, Any]:
    """Return what enablePopBufferMerge changes in a broker's settings."""
    plain = load_broker_config(None)
    loaded = load_broker_config(None, {"enablePopBufferMerge": "true"})
    return {
        name: getattr(of_key, name)
        for of_key, without in ((loaded.broker, plain.broker), (loaded.store, plain.store))
        for name in of_key.__struct_fields__
        if getattr(of_key, name) != getattr(without, name)
    }


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def findings(seed: int, moments: int, *, twice: bool = False, **settings: Any) -> list[str]:
    return list(PopCrashes(seed, **settings).findings(moments, twice=twice))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("settings", [{}, SYNC], ids=["ASYNC_FLUSH", "SYNC_FLUSH"])
def test_pops_and_power_cuts(seed, settings):
    assert findings(seed, 5, **settings) == []


def test_with_buffer_merge_on():
    assert findings(2, 5, **SYNC, **merging()) == []


def test_the_power_goes_again_while_what_was_left_open_comes_again():
    assert findings(3, 3, twice=True, **SYNC) == []


@pytest.mark.parametrize("settings", [{}, merging()], ids=["merge off", "merge on"])
def test_a_check_point_and_its_ack_are_in_the_log_before_they_are_answered(settings):
    broker = PopBroker(**settings)
    consumer = Consumer(broker)
    consumer.client.call(requests.create_topic(consumer.topic))
    send(consumer.client, b"m")
    ends = [broker.state.store.max_phy_offset]
    (message,) = consumer.pop(invisible_time=3_000)
    ends.append(broker.state.store.max_phy_offset)
    assert consumer.ack(message).code == 0
    ends.append(broker.state.store.max_phy_offset)
    assert ends[0] < ends[1] < ends[2]
    broker.pass_time(4_000)
    records = broker.state.store.max_offset(revive_topic("DefaultCluster"), 0)
    assert records == 2


def test_killed_at_calls_of_the_disk():
    """T6: whatever was about to be written, nothing is lost, and no confirmed ack forgotten."""
    for call in range(5, 10_000, 13):
        found = killed_at(call)
        if found is None:
            assert call > 100
            return
        assert found == ""


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


def offsets_follow_the_log_before_it_is_on_the_disk(patch):
    commit = PopOffsets.commit
    patch.setattr(PopOffsets, "commit", lambda self, _: commit(self, 1 << 60))


def an_ack_settles_its_whole_check_point(patch):
    acknowledge = CheckPoints.acknowledge

    def greedy(self, ack, revive_ms, broker_name):
        for pending in self._by_key.get(PointKey(*key_of(ack)), ()):
            pending.open.clear()
        return acknowledge(self, ack, revive_ms, broker_name)

    def key_of(ack):
        start = ack.start_offset
        return ack.topic, ack.consumer_group, ack.queue_id, start, ack.pop_time, ack.broker_name

    patch.setattr(CheckPoints, "acknowledge", greedy)


def a_batch_of_acks_takes_all_up_to_its_last(patch):
    put = ReviveLog.put_batch_ack

    def put_batch_ack(self, ack: BatchAckMsg, *rest):
        ack.ack_offset_list = list(range(ack.start_offset, max(ack.ack_offset_list) + 1))
        put(self, ack, *rest)

    patch.setattr(ReviveLog, "put_batch_ack", put_batch_ack)


def a_changed_time_is_not_stored(patch):
    change = ChangeInvisibleTimeProcessor.change

    def forgetful(self, connection, request):
        with pytest.MonkeyPatch.context() as meanwhile:
            no_check_points(meanwhile)
            return change(self, connection, request)

    patch.setattr(ChangeInvisibleTimeProcessor, "change", forgetful)


def a_start_begins_behind_what_the_revive_log_has(patch):
    begin = PopRevive.__init__

    def hasty(self, shared, queue_id):
        begin(self, shared, queue_id)
        self.next_offset = shared.store.max_offset(shared.log.topic, queue_id)

    patch.setattr(PopRevive, "__init__", hasty)


# Each with the life that shows it, as long as lives are what they are now; else it is looked for.
MUTANTS = (
    (offsets_ahead_of_check_points, 2),
    (no_check_points, 0),
    (check_points_passed_when_they_are_due, 0),
    (acks_confirmed_before_they_are_stored, 0),
    (offsets_follow_the_log_before_it_is_on_the_disk, 2),
    (an_ack_settles_its_whole_check_point, 4),
    (a_batch_of_acks_takes_all_up_to_its_last, 6),
    (a_changed_time_is_not_stored, 4),
    (a_start_begins_behind_what_the_revive_log_has, 2),
)


@pytest.mark.parametrize(
    ("mutant", "seed"), MUTANTS, ids=[mutant.__name__ for mutant, _ in MUTANTS]
)
def test_a_seeded_fault_is_found(monkeypatch, mutant, seed):
    mutant(monkeypatch)
    found = any(findings(one, 6, **how) for one in (seed, *range(8)) for how in (SYNC, {}))
    assert found, "this would go unnoticed"
