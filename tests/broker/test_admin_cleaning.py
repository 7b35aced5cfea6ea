"""deleteExpiredCommitLog, cleanExpiredCQ, cleanUnusedTopic."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.message_const import (
    RMQ_SYS_SCHEDULE_TOPIC,
    RMQ_SYS_TRANS_HALF_TOPIC,
    RMQ_SYS_TRANS_OP_HALF_TOPIC,
)
from rmqwire.codec.release import RELEASES, V4_9_7
from tests.broker.test_admin_golden import exchanges, replay

HOUR = 3_600_000


@pytest.fixture(params=RELEASES.values(), ids=RELEASES)
def broker(request, admin_broker):
    return admin_broker(request.param)


def ask(broker, code):
    answer = broker.ask(code)
    assert (answer.code, answer.remark, answer.ext_fields) == (0, None, None)
    assert not answer.body


@pytest.mark.parametrize("name", ["CLEAN_EXPIRED_CONSUMEQUEUE", "CLEAN_UNUSED_TOPIC"])
def test_answers_are_those_of_the_recording(admin_broker, name):
    recorded = list(exchanges(name))
    assert len(recorded) >= 2
    for release, frame, answer in recorded:
        replay(admin_broker(release), frame, answer)


def test_unused_topics_lose_their_queues(broker):
    broker.state.topics.update(TopicConfig(topic_name="used"))
    system = [RMQ_SYS_SCHEDULE_TOPIC, RMQ_SYS_TRANS_OP_HALF_TOPIC, RMQ_SYS_TRANS_HALF_TOPIC]
    for topic in ("used", "unused", "%LMQ%x", *system):
        broker.put(topic, 0)
        if topic in system:
            broker.state.topics.table.pop(topic, None)
    ask(broker, RequestCode.CLEAN_UNUSED_TOPIC)
    kept = {"used", "%LMQ%x", *(system if broker.release is not V4_9_7 else system[:2])}
    assert set(broker.state.store.topics()) == kept


def test_expired_queues_are_removed(broker):
    store = broker.state.store
    broker.put("gone", 0)
    broker.put("rmq_sys_x", 0)
    broker.put("T", 0, 1200)
    assert len(store.log.queue.segments) > 1
    store.flushes.run_flush(store.flushes.log_flush_plan(thorough=True))
    ask(broker, RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)
    assert set(store.topics()) == {"gone", "rmq_sys_x", "T"}
    ask(broker, RequestCode.DELETE_EXPIRED_COMMITLOG)
    broker.now_ms += 100 * HOUR
    store.cleaner.begin()
    while (segment := store.cleaner.take_file()) is not None:
        store.cleaner.remove(segment)
    list(store.cleaner.trim())
    assert store.min_phy_offset > 0
    ask(broker, RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)
    assert set(store.topics()) == {"T"} | ({"rmq_sys_x"} if broker.release is not V4_9_7 else set())


def test_a_disk_that_fails_is_told(broker):
    broker.put("unused", 0)
    store = broker.state.store
    plan = store.flushes.queue_flush_plan(thorough=True)
    plan.run(broker.files)
    store.flushes.queues_flushed(plan, thorough=True)
    broker.files.fail("unlink", "unused")
    answer = broker.ask(RequestCode.CLEAN_UNUSED_TOPIC)
    assert answer.code == 1
    assert "injected" in answer.remark
