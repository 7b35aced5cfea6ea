"""A push consumer against a cluster in memory, and listeners that remember."""

from random import Random

import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    ConsumerRunningInfo,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.push import PushConsumer
from tests.client.fake_cluster import NAMESRV

R = RequestCode
NOW = 1_700_000_000_000
OK = ConsumeStatus.CONSUME_SUCCESS
LATER = ConsumeStatus.RECONSUME_LATER
FIRST = "CONSUME_FROM_FIRST_OFFSET"


def virtual_ms():
    return NOW + int(trio.current_time() * 1000)


def consumer(cluster, kind=PushConsumer, **config):
    return kind(
        config.pop("group", "cg"),
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        wall_ms=config.pop("wall_ms", lambda: NOW),
        rng=Random(7),
        **config,
    )


class Seen(list):
    """A listener that remembers bodies and returns what it is told."""

    def __init__(self, *results):
        self.results = list(results)
        self.messages = []

    def __call__(self, messages):
        self.extend(message.body for message in messages)
        self.messages += messages
        self.times = messages[0].reconsume_times
        return self.results.pop(0) if self.results else OK


async def settle(seconds=2):
    await trio.sleep(seconds)


async def until(condition, seconds=60.0):
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  listeners of another task make it true
            await trio.sleep(0.1)


def raising(messages):
    raise RuntimeError("no")


async def running_info(cluster, c, *, stacks=False):
    header = h.GetConsumerRunningInfoRequestHeader(
        consumer_group="cg", client_id=c.client_id, jstack_enable=stacks
    )
    ((_, answer),) = cluster.tell(R.GET_CONSUMER_RUNNING_INFO, header).replies
    assert (answer.code, answer.remark) == (0, "not set any response code")
    return ConsumerRunningInfo.decode(answer.body)
