"""A broker with lite topics, and what sends to them and consumes them."""

from contextlib import asynccontextmanager

import trio

from rmqwire import LitePushConsumer, Message, Producer, clock
from rmqwire.codec.codes import RequestCode as R
from rmqwire.testing import trio_cluster
from tests.consumer.support import Seen

AGAIN_S = 7  # what is not acknowledged within 5 s has come again
GROUPS = {"gl": "", "glx": ",+lite.sub.model=Exclusive", "gw": ",+lite.sub.wildcard=true"}


@asynccontextmanager
async def lite(**settings):
    """Run a broker with the topic ``lt``, and groups that consume its lite topics."""
    async with trio_cluster(enableLmq="true", enableMultiDispatch="true", **settings) as rmq:
        await rmq.create_topic("lt", 2, attributes="+message.type=LITE,+lite.topic.expiration=30")
        for name, more in GROUPS.items():
            await rmq.create_group(name, attributes=f"+lite.bind.topic=lt{more}")
        yield rmq


def consumer(rmq, listener, group="gl", **config):
    began = clock.wall_ms() - int(trio.current_time() * 1000)
    return LitePushConsumer(
        group,
        "lt",
        listener,
        namesrv_addr=rmq.namesrv_addr,
        wall_ms=lambda: began + int(trio.current_time() * 1000),
        **({"pop_invisible_time": 5_000, "suspend_lite_topic_time_millis": 2_000} | config),
    )


async def send(rmq, lite_topic, *bodies):
    async with Producer("pg", namesrv_addr=rmq.namesrv_addr) as producer:
        for body in bodies:
            await producer.send(Message("lt", body, lite_topic=lite_topic))


def pretending(cluster):
    """Let brokers in memory take all that is subscribed, and have no messages of it."""
    answers = {R.LITE_SUBSCRIPTION_CTL: (0,), R.POP_LITE_MESSAGE: (210, "none")}
    cluster.faults.append(lambda _, command: answers.get(command.code))
    cluster.latency_s = 0.1
    cluster.add_topic("lt")
    return lambda group, **config: LitePushConsumer(group, "lt", Seen(), **config)
