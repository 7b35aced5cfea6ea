"""Programs of a user's, each in an event loop of its own, beside the servers."""

import trio

from rmqwire import ConsumeStatus, Producer, PushConsumer

OK = ConsumeStatus.CONSUME_SUCCESS
LATER = ConsumeStatus.RECONSUME_LATER
LIMIT_S = 30


def run(function, *args):
    """Run a client as a program beside the servers does."""

    async def limited():
        with trio.fail_after(LIMIT_S):
            return await function(*args)

    return trio.run(limited)


async def send(rmq, *messages):
    async with Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer:
        for message in messages:
            await producer.send(message)


async def consume(rmq, group, topic, wanted, status=OK, max_reconsume_times=-1):
    """Consume until so many deliveries came."""
    done, seen = trio.Event(), []

    def listener(messages):
        seen.extend(messages)
        if len(seen) >= wanted:
            done.set()
        return status

    consumer = PushConsumer(
        group,
        namesrv_addr=rmq.namesrv_addr,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        max_reconsume_times=max_reconsume_times,
    )
    consumer.subscribe(topic, "*", listener)
    async with consumer:
        await done.wait()
