"""What brokers ask of a push consumer."""

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    ConsumeMessageDirectlyResult,
    GetConsumerStatusBody,
    MessageQueue,
    ResetOffsetBody,
)
from rmqwire.codec.record import encode_message
from tests.client.fake_cluster import NAMESRV
from tests.consumer.support import (
    FIRST,
    LATER,
    OK,
    R,
    Seen,
    consumer,
    raising,
    running_info,
    settle,
)


async def test_running_info(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        info = await running_info(cluster, c)
        header = h.GetConsumerRunningInfoRequestHeader(consumer_group="other", client_id="")
        ((_, refusal),) = cluster.tell(R.GET_CONSUMER_RUNNING_INFO, header).replies
    assert info.properties["PROP_CONSUME_TYPE"] == "CONSUME_PASSIVELY"
    assert info.properties["PROP_NAMESERVER_ADDR"] == f"{NAMESRV};"
    assert info.properties["PROP_CLIENT_VERSION"] == "V5_5_0"
    assert info.properties["pullBatchSize"] == "32"
    assert {sub.topic for sub in info.subscription_set} == {"T", "%RETRY%cg"}
    queue = info.mq_table[MessageQueue("T", "a", 0)]
    assert (queue.commit_offset, queue.cached_msg_count, queue.droped) == (1, 0, False)
    assert info.status_table["T"].consume_oktps == pytest.approx(1 / 60)
    assert refusal.code == 1
    assert refusal.remark == "The Consumer Group <other> not exist in this consumer"


async def test_a_listener_that_hangs_is_seen_in_the_stacks_that_are_asked_for(
    cluster, autojump_clock
):
    async def hangs(_messages):
        await trio.sleep(30)

    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", hangs)
        await settle()
        assert (await running_info(cluster, c)).jstack is None
        told = (await running_info(cluster, c, stacks=True)).jstack
    assert ".hangs(test_inner.py:" in told


async def test_reset_offsets(cluster, autojump_clock):
    for number in range(3):
        cluster.store("T", str(number).encode())
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        body = ResetOffsetBody({MessageQueue("T", "a", 0): 1}).encode()
        header = h.ResetOffsetRequestHeader(topic="T", group="cg", timestamp=0, is_force=True)
        assert not cluster.tell(R.RESET_CONSUMER_CLIENT_OFFSET, header, body).replies
        await settle(3)
    assert seen == [b"0", b"1", b"2", b"1", b"2"]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_consume_status(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        header = h.GetConsumerStatusRequestHeader(topic="T", group="cg")
        ((_, answer),) = cluster.tell(R.GET_CONSUMER_STATUS_FROM_CLIENT, header).replies
    table = GetConsumerStatusBody.decode(answer.body).message_queue_table
    assert table[MessageQueue("T", "a", 0)] == 1


@pytest.mark.parametrize(
    ("listener", "result"),
    [
        (lambda _: OK, "CR_SUCCESS"),
        (lambda _: LATER, "CR_LATER"),
        (lambda _: None, "CR_RETURN_NULL"),
        (raising, "CR_THROW_EXCEPTION"),
    ],
)
async def test_consume_message_directly(cluster, autojump_clock, listener, result):
    stored = cluster.store("T", b"direct")
    async with consumer(cluster) as c:
        c.subscribe("T", "*", listener)
        await settle()
        header = h.ConsumeMessageDirectlyResultRequestHeader(
            consumer_group="cg", client_id=c.client_id, broker_name="a"
        )
        connection = cluster.tell(R.CONSUME_MESSAGE_DIRECTLY, header, encode_message(stored))
        await settle(0.1)
    ((_, answer),) = connection.replies
    body = ConsumeMessageDirectlyResult.decode(answer.body)
    assert body.consume_result == result
    assert body.remark == ("RuntimeError: no" if result == "CR_THROW_EXCEPTION" else None)
    assert not cluster.sent_back
