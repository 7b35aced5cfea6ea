"""The push consumer against a cluster in memory, on virtual time."""

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.consumer.offsets.table import OffsetStore
from rmqwire.consumer.pull import PullConsumer
from rmqwire.consumer.push import PushConsumer
from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import UsageError
from tests.client.fake_cluster import NAMESRV, SYSTEM_BUSY
from tests.consumer.support import FIRST, LATER, OK, Seen, consumer, raising, settle

R = RequestCode


async def test_messages_arrive_and_are_committed(cluster, autojump_clock):
    for number in range(5):
        cluster.store("T", str(number).encode(), queue_id=number % 2, properties={"TAGS": "a"})
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        assert sorted(seen) == [b"0", b"1", b"2", b"3", b"4"]
        cluster.store("T", b"late")
        await settle(0.1)
        assert seen[-1] == b"late"
    assert cluster.offsets["cg", "a", "T", 0] == 4
    assert cluster.offsets["cg", "a", "T", 1] == 2
    message = seen.messages[-1]
    assert (message.topic, message.broker_name, message.queue_offset) == ("T", "a", 3)
    assert message.properties["MAX_OFFSET"] == "4"


async def test_subscribed_before_the_block(cluster, autojump_clock):
    cluster.store("T", b"x")
    seen = Seen()
    c = consumer(cluster, consume_from_where=FIRST)
    c.subscribe("T", "*", seen)
    async with c:
        await settle()
    assert seen == [b"x"]


async def test_running_listener_may_finish_at_the_end(cluster, autojump_clock):
    cluster.store("T", b"x")
    finished = []

    async def listen(messages):
        await trio.sleep(4)
        finished.append(messages[0].body)
        return OK

    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(2)
    assert finished == [b"x"]
    assert cluster.offsets["cg", "a", "T", 0] == 1


async def test_listener_that_takes_too_long_is_cut_off(cluster, autojump_clock):
    cluster.store("T", b"x")

    async def listen(_messages):
        await trio.sleep(1000)

    begin = trio.current_time()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(2)
    assert trio.current_time() - begin < 10
    assert cluster.offsets.get(("cg", "a", "T", 0), 0) == 0


async def test_cancelled_consumer_still_commits(cluster, autojump_clock):
    cluster.store("T", b"x")
    with trio.move_on_after(2):
        async with consumer(cluster, consume_from_where=FIRST) as c:
            c.subscribe("T", "*", Seen())
            await trio.sleep_forever()
    assert cluster.offsets["cg", "a", "T", 0] == 1
    assert cluster.members["cg"] == []


# ---- wrong use


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"message_model": "x"}, "CLUSTERING or BROADCASTING"),
        ({"consume_from_where": "x"}, "one of CONSUME_FROM_LAST_OFFSET"),
        ({"consume_timestamp": "yesterday"}, "valid format is yyyyMMddHHmmss"),
        ({"pull_threshold_for_topic": 0}, r"pullThresholdForTopic Out of range \[1, 6553500\]"),
        ({"pull_batch_size": 1025}, r"pullBatchSize Out of range \[1, 1024\]"),
        ({"consume_message_batch_max_size": 0}, "consumeMessageBatchMaxSize Out of range"),
        ({"nonsense": 1}, "no such setting: nonsense"),
    ],
)
def test_bad_settings(cluster, config, words):
    with pytest.raises(UsageError, match=words):
        consumer(cluster, **config)


def test_bad_subscriptions(cluster):
    c = consumer(cluster)
    for topic, expression, listener, words in [
        ("a b", "*", raising, "illegal characters"),
        ("T", " || ", raising, "subString split error"),
        ("T", "*", "listen", "can't be called"),
    ]:
        with pytest.raises(UsageError, match=words):
            c.subscribe(topic, expression, listener)
    with pytest.raises(UsageError, match="TAG or SQL92"):
        c.subscribe("T", MessageSelector("x", "XPATH"), raising)
    with pytest.raises(UsageError, match="can not equal DEFAULT_CONSUMER"):
        PushConsumer("DEFAULT_CONSUMER", namesrv_addr=NAMESRV)


async def test_a_listener_is_told_whose_queues_are_whose(cluster, autojump_clock, caplog):
    news = []

    def told(*args):
        news.append(args)
        if len(news) == 1:
            raise RuntimeError("no")

    retry = MessageQueue("%RETRY%cg", "a", 0)
    queues = {MessageQueue("T", "a", 0), MessageQueue("T", "a", 1)}
    async with consumer(cluster, message_queue_listener=told) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert sorted(news) == [("%RETRY%cg", {retry}, {retry}), ("T", queues, queues)]
        assert "the listener to the queues of" in caplog.text
        cluster.members["cg"].insert(0, "0")
        header = h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg")
        cluster.tell(R.NOTIFY_CONSUMER_IDS_CHANGED, header)
        await settle()
        assert ("T", queues, {MessageQueue("T", "a", 1)}) in news


@pytest.mark.parametrize(("reading", "body"), [("read_body", b""), ("decompress_body", None)])
async def test_bodies_are_read_as_far_as_set(cluster, autojump_clock, reading, body):
    packed = compress(b"abc" * 100, CompressionType.ZLIB)
    cluster.store("T", packed, sys_flag=CompressionType.ZLIB.sys_flag)
    seen = Seen(LATER)
    cluster.faults.append(
        lambda _, one: SYSTEM_BUSY if one.code == R.CONSUMER_SEND_MSG_BACK else None
    )
    async with consumer(cluster, consume_from_where=FIRST, **{f"decode_{reading}": False}) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen[0] == (packed if body is None else body)
    assert seen.messages[0].read_body() == b"abc" * 100
    (again,) = cluster.queues["a", "%RETRY%cg", 0]
    assert again.body == b"abc" * 100  # whatever the consumer read of it


async def test_a_message_goes_back_by_hand(cluster, autojump_clock):
    cluster.store("T", b"x")
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        await c.send_message_back(seen.messages[0], 3, broker_name="a")
        assert await c.fetch_subscribe_message_queues("T") == {
            MessageQueue("T", "a", 0),
            MessageQueue("T", "a", 1),
        }
    (header,) = cluster.sent_back
    assert (header.delay_level, header.group, header.bname) == (3, "cg", "a")
    with pytest.raises(UsageError, match="not in running status"):
        await c.send_message_back(seen.messages[0])


class Shelf(OffsetStore):
    """Offsets in a dictionary of the program's own."""

    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    async def load(self):
        self.loaded = True

    async def read_from_store(self, queue):
        self.update(queue, self.kept.get(queue, -1))
        return self.get(queue)

    async def persist(self, queue):
        self.kept[queue] = self.get(queue)

    async def store(self, queue, offset):
        self.kept[queue] = offset

    async def persist_all(self, queues):
        self.kept |= {queue: at for queue, at in self.of_topic("T").items() if queue in queues}


@pytest.mark.parametrize("kind", [PushConsumer, LitePullConsumer, PullConsumer])
async def test_offsets_are_kept_where_the_program_says(cluster, autojump_clock, kind):
    queue = MessageQueue("T", "a", 0)
    for number in range(3):
        cluster.store("T", b"%d" % number)
    shelf, seen = Shelf({queue: 1}), []
    settings = {} if kind is PullConsumer else {"consume_from_where": FIRST}
    async with consumer(cluster, kind, offset_store=shelf, **settings) as c:
        if kind is PullConsumer:
            at = await c.fetch_consume_offset(queue)
            seen += [one.body for one in (await c.pull(queue, offset=at)).messages]
            await c.update_consume_offset(queue, 3)
        elif kind is LitePullConsumer:
            c.subscribe("T")
            seen += [one.body for one in await c.poll()]
        else:
            c.subscribe("T", "*", listener := Seen())
            await settle()
            seen += listener
    assert seen == [b"1", b"2"]
    assert shelf.kept[queue] == 3
    assert shelf.loaded
    assert not cluster.offsets
