"""What programs ask of a broker in memory and no verb does, and what changes by it."""

import pytest
import trio

from rmqwire import (
    ConsumeStatus,
    LocalTransactionState,
    Message,
    MessageQueue,
    Producer,
    PushConsumer,
    TransactionProducer,
)
from rmqwire.admin.admin import open_admin
from rmqwire.broker_errors import BrokerSystemError
from rmqwire.errors import RouteNotFound
from rmqwire.testing import trio_cluster

QUEUE = MessageQueue("Orders", "broker-a", 0)


async def consumed(rmq):
    """Have a group consume a message, and commit."""
    await rmq.create_topic("Orders", queues=1)
    done = trio.Event()

    def listen(_messages):
        done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    consumer = PushConsumer(
        "eaters", namesrv_addr=rmq.namesrv_addr, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
    )
    consumer.subscribe("Orders", "a || b", listen)
    async with Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send(Message("Orders", b"tea", tags="a"))
    return consumer, done


async def test_topics_and_groups_are_told_of(autojump_clock):
    async with trio_cluster() as rmq, open_admin(rmq.namesrv_addr) as admin:
        consumer, done = await consumed(rmq)
        async with consumer:
            await done.wait()
            told = await admin.query_subscription("eaters", "Orders")
            assert sorted(told.tags_set) == ["a", "b"]
            await trio.sleep(11)  # until the offset is committed
        (addr,) = await admin.masters()
        assert "Orders" in await admin.fetch_topics_by_cluster("DefaultCluster")
        assert await admin.fetch_topics_by_cluster("Nowhere") == []
        config = await admin.examine_topic_config(addr, "Orders")
        assert (config.topic_name, config.read_queue_nums, config.perm) == ("Orders", 1, 6)
        assert "Orders" in await admin.query_topics_by_consumer("eaters")
        with pytest.raises(RouteNotFound):
            await admin.query_topics_by_consumer("nobody")
        (span,) = await admin.query_consume_time_span("Orders", "eaters")
        assert span.message_queue == QUEUE
        assert 0 < span.min_time_stamp == span.max_time_stamp


async def test_an_offset_is_set_and_a_group_is_kept_from_a_topic(autojump_clock):
    async with trio_cluster() as rmq, open_admin(rmq.namesrv_addr) as admin:
        consumer, done = await consumed(rmq)
        async with consumer:
            await done.wait()
        (addr,) = await admin.masters()
        assert await rmq.lag("eaters", "Orders") == 0
        await admin.update_consume_offset(addr, "eaters", QUEUE, 0)
        assert await rmq.lag("eaters", "Orders") == 1
        ask = admin.update_and_get_group_read_forbidden
        assert (await ask(addr, "eaters", "Orders")).readable
        assert not (await ask(addr, "eaters", "Orders", readable=False)).readable
        assert not (await ask(addr, "eaters", "Orders")).readable
        assert (await ask(addr, "eaters", "Orders", readable=True)).readable


async def test_a_half_message_is_checked_again(autojump_clock):
    asked = []

    def check(message):
        asked.append(message.body)
        return LocalTransactionState.UNKNOW

    settings = {"transactionCheckInterval": "1000", "transactionTimeOut": "1000"}
    async with (
        trio_cluster(transactionCheckMax="2", **settings) as rmq,
        open_admin(rmq.namesrv_addr) as admin,
    ):
        await rmq.create_topic("Orders", queues=1)
        async with TransactionProducer(
            "writers", check=check, namesrv_addr=rmq.namesrv_addr
        ) as producer:
            await producer.send_in_transaction(Message("Orders", b"tea"), lambda *_: None)
            await trio.sleep(20)
            assert asked == [b"tea"] * 2
            (given_up,) = await rmq.messages("TRANS_CHECK_MAX_TIME_TOPIC")
            await admin.resume_check_half_message(given_up.topic, given_up.offset_msg_id)
            await trio.sleep(20)
            assert asked == [b"tea"] * 4
            with pytest.raises(RouteNotFound, match="no message"):
                await admin.resume_check_half_message(given_up.topic, "no id")
            sent = await producer.send(Message("Orders", b"plain"))
            with pytest.raises(BrokerSystemError):
                await admin.resume_check_half_message("Orders", sent.offset_msg_id)
