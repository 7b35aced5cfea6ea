"""The producer against a cluster in memory, on virtual time."""

import re
from random import Random

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.compression import decompress
from rmqwire.codec.message import Message
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.recall import recall_handle
from rmqwire.errors import BadHeader, ConnectFailed, RouteNotFound, UsageError
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import SendStatus
from rmqwire.producer.selector import select_by_hash
from tests.client.fake_cluster import NAMESRV, broker_addr
from tests.producer.support import NOW, R, producer, sends


async def test_send_gives_the_brokers_answer(cluster, autojump_clock):
    async with producer(cluster) as p:
        result = await p.send(Message("T", b"hello", tags="a", keys="k"))
    assert result.send_status is SendStatus.SEND_OK
    queue = result.message_queue
    (stored,) = cluster.queues[queue.broker_name, "T", queue.queue_id]
    assert stored.body == b"hello"
    assert stored.tags == "a"
    assert stored.unique_key == result.msg_id
    assert re.fullmatch("[0-9A-F]{32}", result.msg_id)
    assert result.offset_msg_id == stored.message_id
    assert result.queue_offset == 0
    assert stored.properties["WAIT"] == "true"


async def test_a_timer_is_sent_as_java_sends_it_and_taken_back(cluster, autojump_clock):
    handle = recall_handle("T", "b", NOW + 3_001, "7F00")
    async with producer(cluster) as p:
        await p.send(Message("T", b"1", delay_time_sec=3))
        await p.send(Message("T", b"2", delay_time_ms=2_500))
        await p.send(Message("T", b"3", deliver_time_ms=NOW + 9))
        assert await p.recall("T", handle) == "7F00"
    times = [decode_properties(header.properties) for _, header in sends(cluster)]
    assert [[(k, v) for k, v in found.items() if "TIMER" in k] for found in times] == [
        [("TIMER_DELAY_SEC", "3")],
        [("TIMER_DELAY_MS", "2500")],
        [("TIMER_DELIVER_MS", str(NOW + 9))],
    ]
    ((addr, request),) = [sent for sent in cluster.requests if sent[1].code == R.RECALL_MESSAGE]
    assert addr == broker_addr("b")
    assert request.ext_fields == {
        "producerGroup": "pg", "topic": "T", "bname": "b", "recallHandle": handle,
    }  # fmt: skip


async def test_a_priority_is_sent_as_java_sends_it(cluster, autojump_clock):
    async with producer(cluster) as p:
        await p.send(Message("T", b"1", priority=3))
        with pytest.raises(UsageError, match="must be greater than or equal to 0"):
            Message("T", b"2", priority=-1)
    ((_, header),) = sends(cluster)
    assert decode_properties(header.properties)["_SYS_MSG_PRIORITY_"] == "3"


async def test_what_is_no_handle_or_of_no_broker_is_refused_before_it_is_sent(
    cluster, autojump_clock
):
    async with producer(cluster) as p:
        with pytest.raises(BadHeader, match="recall handle is invalid"):
            await p.recall("T", "no handle")
        with pytest.raises(RouteNotFound, match=r"The broker\[gone\] not exist"):
            await p.recall("T", recall_handle("T", "gone", NOW + 1, "K"))
        with pytest.raises(UsageError, match="A time of delivery is not supported for batching"):
            await p.send([Message("T", b"1", delay_time_ms=0), Message("T", b"2")])
        with pytest.raises(UsageError, match="A lite topic is not supported for batching"):
            await p.send([Message("T", b"1", lite_topic="a"), Message("T", b"2")])
    assert not [sent for sent in cluster.requests if sent[1].code == R.RECALL_MESSAGE]


async def test_queues_take_turns(cluster, autojump_clock):
    async with producer(cluster) as p:
        queues = [(await p.send(Message("T", b"x"))).message_queue for _ in range(8)]
    assert sorted(queues[:4]) == [MessageQueue("T", b, q) for b in "ab" for q in (0, 1)]
    assert queues[:4] == queues[4:]


async def test_concurrent_sends_share_one_look_up(cluster, autojump_clock):
    cluster.latency_s = 0.05
    async with producer(cluster) as p, trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(p.send, Message("T", str(number).encode()))
    assert len(cluster.codes(R.GET_ROUTEINFO_BY_TOPIC)) == 1
    assert sum(len(queue) for queue in cluster.queues.values()) == 20


async def test_unknown_topic_is_made_at_the_default_topics_brokers(cluster, autojump_clock):
    cluster.add_topic("TBW102", queue_nums=8, brokers=("a",), perm=7)
    async with producer(cluster) as p:
        queues = {(await p.send(Message("New", b"x"))).message_queue.queue_id for _ in range(8)}
    assert queues == {0, 1, 2, 3}
    asked = [
        header.topic
        for header in cluster.headers(R.GET_ROUTEINFO_BY_TOPIC, h.GetRouteInfoRequestHeader)
    ]
    assert asked == ["New", "TBW102"]
    (_, header), *_ = sends(cluster)
    assert (header.default_topic, header.default_topic_queue_nums) == ("TBW102", 4)


async def test_no_route_at_all(cluster, autojump_clock):
    async with producer(cluster) as p:
        with pytest.raises(RouteNotFound, match="No route info of this topic: Nowhere"):
            await p.send(Message("Nowhere", b"x"))


async def test_error_of_the_block_is_not_wrapped(cluster, autojump_clock):
    with pytest.raises(ValueError, match="mine"):
        async with producer(cluster):
            raise ValueError("mine")


async def test_cancellation_passes_through(cluster, autojump_clock):
    with trio.move_on_after(1) as scope:
        async with producer(cluster):
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_queue_given(cluster, autojump_clock):
    queue = MessageQueue("T", "b", 1)
    async with producer(cluster) as p:
        for _ in range(3):
            assert (await p.send(Message("T", b"x"), queue=queue)).message_queue == queue
        with pytest.raises(UsageError, match="message's topic not equal mq's topic"):
            await p.send(Message("T2", b"x"), queue=queue)
        cluster.down.add(broker_addr("b"))
        with pytest.raises(ConnectFailed):
            await p.send(Message("T", b"x"), queue=queue)


async def test_selector(cluster, autojump_clock):
    async with producer(cluster) as p:
        chosen = {
            (await p.send(Message("T", b"x"), selector=select_by_hash, arg="order-1")).message_queue
            for _ in range(4)
        }
        assert len(chosen) == 1
        with pytest.raises(UsageError, match="select message queue return null"):
            await p.send(Message("T", b"x"), selector=lambda queues, message, arg: None)


async def test_oneway(cluster, autojump_clock):
    async with producer(cluster) as p:
        await p.send_oneway(Message("T", b"one"))
    (command,) = cluster.codes(R.SEND_MESSAGE_V2)
    assert command.is_oneway
    assert bytes(command.body) == b"one"


async def test_batch(cluster, autojump_clock):
    messages = [Message("T", f"m{n}".encode(), tags="t") for n in range(3)]
    async with producer(cluster) as p:
        result = await p.send(messages)
    ids = result.msg_id.split(",")
    assert ids == [message.unique_key for message in messages]
    (command,) = cluster.codes(R.SEND_BATCH_MESSAGE)
    header = command.decode_header(h.SendMessageRequestHeaderV2)
    assert header.batch is True
    entries = decode_batch(bytes(command.body))
    assert [entry.body for entry in entries] == [b"m0", b"m1", b"m2"]
    assert [decode_properties(entry.properties)["UNIQ_KEY"] for entry in entries] == ids
    assert decode_properties(header.properties)["UNIQ_KEY"] not in ids


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "no messages"),
        ([Message("T", b"x"), Message("T2", b"x")], "topic of the messages"),
        ([Message("T", b"x", delay_time_level=1)], "TimeDelayLevel is not supported"),
        ([Message("%RETRY%g", b"x")], "Retry Group is not supported"),
        ([Message("T", b"x"), Message("T", b"x", tags="q\udcff")], "not UTF-8"),
        (
            [Message("T", b"x"), Message("T", b"x", wait_store_msg_ok=False)],
            "waitStoreMsgOK of the messages",
        ),
    ],
)
async def test_bad_batch(cluster, autojump_clock, messages, words):
    async with producer(cluster) as p:
        with pytest.raises(UsageError, match=words):
            await p.send(messages)


@pytest.mark.parametrize(("kind", "flag"), [("ZLIB", 0x301), ("LZ4", 0x101), ("ZSTD", 0x201)])
async def test_compression_from_the_threshold_on(cluster, autojump_clock, kind, flag):
    async with producer(cluster, compress_type=kind) as p:
        await p.send(Message("T", b"x" * 4095))
        await p.send(Message("T", b"y" * 4096))
        await p.send([Message("T", b"z" * 5000)])
    plain, packed, batch = cluster.codes(R.SEND_MESSAGE_V2) + cluster.codes(R.SEND_BATCH_MESSAGE)
    flags = [
        command.decode_header(h.SendMessageRequestHeaderV2).sys_flag
        for command in (plain, packed, batch)
    ]
    assert flags == [0, flag, 0]
    assert len(packed.body) < 4096
    assert decompress(packed.body, flag) == b"y" * 4096


async def test_compressed_body_is_kept_though_larger(cluster, autojump_clock):
    noise = Random(1).randbytes(5000)
    message = Message("T", noise)
    async with producer(cluster) as p:
        await p.send(message)
    (command,) = cluster.codes(R.SEND_MESSAGE_V2)
    assert len(command.body) > 5000
    assert decompress(command.body, 0x301) == noise == message.body


async def test_message_keeps_its_id_when_sent_again(cluster, autojump_clock):
    message = Message("T", b"x")
    async with producer(cluster) as p:
        first = await p.send(message)
        assert (await p.send(message)).msg_id == first.msg_id


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (Message("", b"x"), "topic is blank"),
        (Message("a" * 128, b"x"), "longer than topic max length 127"),
        (Message("a b", b"x"), "illegal characters"),
        (Message("SCHEDULE_TOPIC_XXXX", b"x"), "is forbidden"),
        (Message("T", b""), "body length is zero"),
        (Message("T", b"x" * 101), "over max value, MAX: 100"),
        (Message("T", b"x", keys="q\udcff"), "not UTF-8"),
        (Message("T", b"x", properties={"größer": "ja", "n\ud800": "v"}), "not UTF-8"),
    ],
)
async def test_bad_message(cluster, autojump_clock, message, words):
    async with producer(cluster, max_message_size=100) as p:
        with pytest.raises(UsageError, match=words):
            await p.send(message)
    assert not sends(cluster)


async def test_heartbeat_and_farewell(cluster, autojump_clock):
    async with producer(cluster) as p:
        await p.send(Message("T", b"x"))
        await trio.sleep(65)
        addrs = {addr for addr, _ in cluster.heartbeats}
        assert addrs == {broker_addr("a"), broker_addr("b")}
        assert 2 * 3 <= len(cluster.heartbeats) <= 2 * 4
        _, body = cluster.heartbeats[-1]
        assert body.client_id == p.client_id
        assert [data.group_name for data in body.producer_data_set] == ["pg"]
    farewells = cluster.headers(R.UNREGISTER_CLIENT, h.UnregisterClientRequestHeader)
    assert [header.producer_group for header in farewells] == ["pg", "pg"]


async def test_route_is_looked_at_again(cluster, autojump_clock):
    async with producer(cluster) as p:
        await p.send(Message("T", b"x"))
        cluster.add_topic("T", queue_nums=1, brokers=("c",))
        await trio.sleep(31)
        assert (await p.send(Message("T", b"x"))).message_queue.broker_name == "c"


async def test_the_next_name_server_is_asked_when_one_is_dead(cluster, autojump_clock):
    dead = "10.9.9.9:9876"
    cluster.down.add(dead)
    asked = []
    for servers in (f"{dead};{NAMESRV}", f"{NAMESRV};{dead}"):
        async with producer(cluster, namesrv_addr=servers) as p:
            await p.send(Message("T", b"x"))
            await p.send(Message("T", b"x"))
        routes = [
            addr for addr, command in cluster.requests if command.code == R.GET_ROUTEINFO_BY_TOPIC
        ]
        asked.append(routes)
        cluster.requests.clear()
    # one seed chooses one place in both lists: the dead one is first in one of them
    assert sorted(asked) == sorted([[dead, NAMESRV], [NAMESRV]])
    assert sum(len(queue) for queue in cluster.queues.values()) == 4


async def test_no_name_server_answers(cluster, autojump_clock):
    cluster.down.add(NAMESRV)
    async with producer(cluster) as p:
        with pytest.raises(ConnectFailed):
            await p.send(Message("T", b"x"))


async def test_vip_channel(cluster, autojump_clock):
    cluster._broker = lambda addr: "a"
    async with producer(cluster, vip_channel_enabled=True) as p:
        await p.send(Message("T", b"x"))
    (addr,) = {addr for addr, _ in sends(cluster)}
    assert addr.endswith(":10909")


async def test_outside_of_the_block(cluster, autojump_clock):
    p = producer(cluster)
    with pytest.raises(UsageError, match="service state not OK"):
        await p.send(Message("T", b"x"))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"sendMsgTimeout": 1}, "no such setting: sendMsgTimeout"),
        ({"compress_type": "BROTLI"}, "unknown compression type"),
        ({"serialize_type": "XML"}, "JSON or ROCKETMQ"),
        ({"namesrv_addr": "nowhere"}, "no host:port"),
        ({"namesrv_addr": ""}, "No name server address"),
        ({"send_msg_timeout": 0}, "sendMsgTimeout Out of range"),
        ({"compress_level": 10}, "compressLevel Out of range"),
    ],
)
def test_bad_settings(cluster, config, words, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    with pytest.raises(UsageError, match=words):
        producer(cluster, **config)


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("", "group is blank"),
        ("g" * 121, "longer than group max length: 120"),
        ("a b", "illegal characters"),
        ("DEFAULT_PRODUCER", "can not equal DEFAULT_PRODUCER"),
    ],
)
def test_bad_group(group, words):
    with pytest.raises(UsageError, match=words):
        Producer(group, namesrv_addr=NAMESRV)


def test_name_server_of_the_environment(monkeypatch):
    monkeypatch.setenv("NAMESRV_ADDR", "10.0.0.5:9876")
    assert Producer("pg").config.name_servers() == ["10.0.0.5:9876"]


async def test_topics_are_looked_up_before_the_producer_is_open(cluster, autojump_clock, caplog):
    async with producer(cluster, topics=["T", "nowhere"]) as p:
        assert "topic nowhere can't be looked up before it is sent to" in caplog.text
        beats = {addr for addr, one in cluster.requests if one.code == R.HEART_BEAT}
        assert beats == {broker_addr("a"), broker_addr("b")}
        cluster.requests.clear()
        await p.send(Message("T", b"x"))
        assert not cluster.codes(R.GET_ROUTEINFO_BY_TOPIC)


async def test_without_topics_nothing_is_asked(cluster, autojump_clock):
    async with producer(cluster):
        assert cluster.requests == []
