"""A consumer's inside as text (``ConsumerRunningInfo.formatString``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.cli.admin.printing import compact_time, fields_of, java_text, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.codec.bodies import ConsumerRunningInfo, MessageQueue, ProcessQueueInfo

PROPERTY = "%-40s: %s"
SUBSCRIPTION = "%03d Topic: %-40s ClassFilter: %-8s SubExpression: %s"
WIDE = "%-64s  %-32s  %-4s  %-20s"
NARROW = "%-32s  %-32s  %-4s  %-20s"
RATES = "%-64s  %14s %14s %14s %14s %18s %25s"
RATE = "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25d"
POPPED = "PopProcessQueueInfo [waitAckCount:%d, droped:%s, lastPopTimestamp:%d]"
QUEUE = ("#Topic", "#Broker Name", "#QID")


def running_info_lines(info: ConsumerRunningInfo) -> Iterator[str]:
    """Return the lines of one consumer, part by part."""
    yield "#Consumer Properties#"
    yield from _properties(info.properties)
    for title, part in (
        ("Consumer Subscription", _subscriptions(info)),
        ("Consumer Offset", _offsets(info)),
        ("Consumer MQ Detail", _queues(info)),
        ("Consumer Pop Detail", _popped(info)),
        ("Consumer RT&TPS", _rates(info)),
        ("User Consume Info", _properties(dict(sorted(info.user_consumer_info.items())))),
    ):
        yield from ("", "", f"#{title}#")
        yield from part
    if info.jstack is not None:
        yield from ("", "", "#Consumer jstack#")
        yield from info.jstack.splitlines()


def _properties(properties: dict[str, str]) -> Iterator[str]:
    for name, value in properties.items():
        yield row(PROPERTY, name, value)


def _subscriptions(info: ConsumerRunningInfo) -> Iterator[str]:
    found = sorted(info.subscription_set, key=lambda one: (one.topic, one.sub_string))
    for number, one in enumerate(found, 1):
        yield row(SUBSCRIPTION, number, one.topic, one.class_filter_mode, one.sub_string)


def _offsets(info: ConsumerRunningInfo) -> Iterator[str]:
    yield row(WIDE, *QUEUE, "#Consumer Offset")
    for queue, one in sorted(info.mq_table.items()):
        yield row(NARROW, *_place(queue), one.commit_offset)


def _queues(info: ConsumerRunningInfo) -> Iterator[str]:
    yield row(WIDE, *QUEUE, "#ProcessQueueInfo")
    for queue, one in sorted(info.mq_table.items()):
        yield row(WIDE, *_place(queue), _process_queue(one))


def _process_queue(one: ProcessQueueInfo) -> str:
    told = (
        f"{name}={compact_time(value) if isinstance(value, int) and name.endswith('Timestamp') else java_text(value)}"
        for name, value in fields_of(one)
    )
    return f"ProcessQueueInfo [{', '.join(told)}]"


def _popped(info: ConsumerRunningInfo) -> Iterator[str]:
    yield row(NARROW, *QUEUE, "#ProcessQueueInfo")
    for queue, one in sorted(info.mq_pop_table.items()):
        popped = row(POPPED, one.wait_ack_count, one.droped, one.last_pop_timestamp)
        yield row(NARROW, *_place(queue), popped)


def _rates(info: ConsumerRunningInfo) -> Iterator[str]:
    yield row(
        RATES,
        "#Topic",
        "#Pull RT",
        "#Pull TPS",
        "#Consume RT",
        "#ConsumeOK TPS",
        "#ConsumeFailed TPS",
        "#ConsumeFailedMsgsInHour",
    )
    for topic, one in sorted(info.status_table.items()):
        consumed = (one.consume_rt, one.consume_oktps, one.consume_failed_tps)
        yield row(RATE, topic, one.pull_rt, one.pull_tps, *consumed, one.consume_failed_msgs)


def _place(queue: MessageQueue) -> tuple[str, str, int]:
    return queue.topic, queue.broker_name, queue.queue_id
