"""What is wrong with a consumer group, by what its members tell."""

from __future__ import annotations

from rmqwire.admin.running_info import stuck_queues, subscriptions_agree
from rmqwire.codec.bodies import (
    ConsumerRunningInfo,
    MessageQueue,
    ProcessQueueInfo,
    SubscriptionData,
)

NOW_MS = 1_700_000_000_000
QUEUE = MessageQueue("T", "a", 0)
WHERE = "c MessageQueue [topic=T, brokerName=a, queueId=0]"


def info(topic="T", *, age_ms=120_001, kind="CONSUME_PASSIVELY", orderly="false", queue=None):
    properties = {
        "PROP_CONSUMER_START_TIMESTAMP": str(NOW_MS - age_ms),
        "PROP_CONSUME_TYPE": kind,
        "PROP_CONSUMEORDERLY": orderly,
    }
    return ConsumerRunningInfo(
        properties, [SubscriptionData(topic=topic, sub_string="*")], {QUEUE: queue} if queue else {}
    )


def test_members_that_subscribe_to_different_topics_are_a_fault_after_two_minutes():
    assert subscriptions_agree({"a": info(), "b": info()}, NOW_MS)
    assert not subscriptions_agree({"a": info(), "b": info("U")}, NOW_MS)
    assert subscriptions_agree({"a": info(age_ms=120_000), "b": info("U")}, NOW_MS)
    pulls = "CONSUME_ACTIVELY"
    assert subscriptions_agree({"a": info(kind=pulls), "b": info("U", kind=pulls)}, NOW_MS)


def test_a_queue_is_stuck_when_messages_wait_for_more_than_a_minute():
    idle = ProcessQueueInfo(cached_msg_count=1, last_consume_timestamp=NOW_MS - 60_001)
    assert stuck_queues("c", info(queue=idle), NOW_MS) == [
        f"{WHERE} can't consume for a while, maybe blocked, 60001ms"
    ]
    idle.last_consume_timestamp += 1
    assert stuck_queues("c", info(queue=idle), NOW_MS) == []
    idle.last_consume_timestamp, idle.cached_msg_count = 0, 0
    assert stuck_queues("c", info(queue=idle), NOW_MS) == []
    assert stuck_queues("c", info(kind="CONSUME_ACTIVELY", queue=idle), NOW_MS) == []


def test_an_orderly_queue_is_stuck_without_its_lock_and_when_it_can_not_be_unlocked():
    queue = ProcessQueueInfo(last_lock_timestamp=NOW_MS - 5)
    assert stuck_queues("c", info(orderly="true", queue=queue), NOW_MS) == [
        f"{WHERE} can't lock for a while, 5ms"
    ]
    queue.locked, queue.droped, queue.try_unlock_times = True, True, 2
    assert stuck_queues("c", info(orderly="true", queue=queue), NOW_MS) == [
        f"{WHERE} unlock 2 times, still failed"
    ]
    queue.droped = False
    assert stuck_queues("c", info(orderly="true", queue=queue), NOW_MS) == []
