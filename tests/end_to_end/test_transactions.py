"""Our producer with transactions on our broker: what consumers see, whoever dies in between."""

from __future__ import annotations

import pytest
import trio

from rmqwire import LocalTransactionState, Message, TransactionProducer
from rmqwire.testing import trio_cluster

COMMIT = LocalTransactionState.COMMIT_MESSAGE
QUICK = {"transactionTimeOut": "1000", "transactionCheckInterval": "2000"}
CHECKED_S = 6  # a check has come and was answered


def producer(rmq, check=lambda _: COMMIT, name="p1"):
    return TransactionProducer(
        "payments",
        check=check,
        namesrv_addr=rmq.namesrv_addr,
        instance_name=name,
        heartbeat_broker_interval=1_000,
    )


async def bodies(rmq):
    return sorted(message.body for message in await rmq.messages("T"))


@pytest.fixture(params=["4.9.7", "5.5.0"])
def release(request):
    return request.param


async def test_a_block_is_seen_when_it_is_left_and_an_exception_hides_it(release, autojump_clock):
    async with trio_cluster(release=release, **QUICK) as rmq, producer(rmq) as p:
        await rmq.create_topic("T", queues=1)
        async with p.transaction(Message("T", b"paid")):
            await trio.sleep(1)
            assert await bodies(rmq) == []
        with pytest.raises(LookupError):
            async with p.transaction(Message("T", b"lost")):
                raise LookupError
        await trio.sleep(CHECKED_S)
        assert await bodies(rmq) == [b"paid"]


async def test_a_sibling_answers_for_a_producer_that_died(release, autojump_clock):
    asked = []

    def check(message):
        asked.append(message.body)
        return COMMIT

    async with trio_cluster(release=release, **QUICK) as rmq:
        await rmq.create_topic("T", queues=1)
        async with producer(rmq, pytest.fail, "dies") as p, p.transaction(Message("T", b"1")) as tx:
            tx.unknown()
        async with producer(rmq, check, "lives") as p:
            await p.send(Message("T", b"hello"))
            await trio.sleep(2 * CHECKED_S)
            assert await bodies(rmq) == [b"1", b"hello"]
    assert asked == [b"1"]


async def test_a_broker_that_was_killed_asks_when_it_is_back(release, autojump_clock):
    async with trio_cluster(release=release, **QUICK) as rmq, producer(rmq) as p:
        await rmq.create_topic("T", queues=1)
        async with p.transaction(Message("T", b"done")):
            pass
        async with p.transaction(Message("T", b"open")) as tx:
            await trio.sleep(0.1)
            await rmq.kill()
            tx.unknown()
        await rmq.start()
        await trio.sleep(3 * CHECKED_S)
        assert await bodies(rmq) == [b"done", b"open"]
