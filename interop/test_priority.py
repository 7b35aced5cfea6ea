"""Messages with a priority (5.x): the same queue, answer and record at Java's broker and at rmqwire."""

from __future__ import annotations

import uuid

import pytest
import trio

from interop.conftest import Rmqwire
from interop.listeners import until
from interop.peer import Peer
from interop.wire import ask, broker_addr, route_known
from rmqwire import Message, Producer
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.record import decode_message
from tests.support import requests

pytestmark = pytest.mark.only("5.5.0")
QUEUES, ASKED = 4, 1
PRIORITIES = ("0", "2", "3", "4", "9", "2147483647", "-1", "x", "", " 2", "+2", "2147483648")
BESIDE = (
    "",
    "__SHARDINGKEY\x01s\x02",
    "DELAY\x011\x02",
    "DELAY\x010\x02",
    "TIMER_DELAY_SEC\x0160\x02",
    "TRAN_MSG\x01true\x02",
    "TRAN_MSG\x01no\x02",
    "".join(f"own{i}\x01{i}\x02" for i in range(12)),
)
VOLATILE = {"TIMER_OUT_MS"}  # of the moment


def outcome(addr: str, topic: str, properties: str) -> tuple[object, ...]:
    """Send a message; tell the queue of the answer, and where and how it is stored."""
    sent = requests.send(topic, queue_id=ASKED, properties=f"{properties}UNIQ_KEY\x01K\x02")
    answer = ask(addr, sent)
    fields = answer.ext_fields or {}
    assert answer.code == 0, (properties, answer.remark)
    offset = str(int(fields["msgId"][16:], 16))
    looked = ask(addr, RemotingCommand(RequestCode.VIEW_MESSAGE_BY_ID, {"offset": offset}))
    stored = decode_message(bytes(looked.body))
    kept = [(name, value) for name, value in stored.properties.items() if name not in VOLATILE]
    return int(fields["queueId"]), stored.topic, stored.queue_id, kept


@pytest.mark.parametrize("attributes", [None, "+message.type=PRIORITY"], ids=["any", "PRIORITY"])
def test_the_same_queue_and_record(
    java_namesrv: str, rmqwire: Rmqwire, attributes: str | None
) -> None:
    topic = f"priority_{uuid.uuid4().hex[:8]}"
    java, ours = broker_addr(java_namesrv, "java-a"), rmqwire.broker.addr
    for addr in (java, ours):
        assert ask(addr, requests.create_topic(topic, attributes, queues=QUEUES)).code == 0
    texts = [f"_SYS_MSG_PRIORITY_\x01{value}\x02{beside}"
             for value in PRIORITIES for beside in BESIDE]  # fmt: skip
    queues = set()
    for text in [*texts, *BESIDE]:
        java_did = outcome(java, topic, text)
        assert outcome(ours, topic, text) == java_did, text
        queues.add(java_did[0])
    assert queues == {0, 1, 2, 3}


@pytest.mark.optin
async def test_our_producer_s_priorities_choose_the_queues_of_a_java_broker(
    java_namesrv: str, json_peer: Peer
) -> None:
    topic = f"priority_{uuid.uuid4().hex[:8]}"
    created = requests.create_topic(topic, "+message.type=PRIORITY", queues=QUEUES)
    assert ask(broker_addr(java_namesrv, "java-a"), created).code == 0
    await until(lambda: route_known(java_namesrv, topic), f"route of {topic}")
    async with Producer("priorities", namesrv_addr=java_namesrv) as producer:
        for priority in range(QUEUES):
            sent = await producer.send(Message(topic, b"%d" % priority, priority=priority))
            assert sent.message_queue.queue_id == priority
    with json_peer.consume(java_namesrv, topic) as consumer:
        received = await trio.to_thread.run_sync(consumer.take, QUEUES)
    assert {(bytes.fromhex(m["body"]), m["queueId"]) for m in received} == {
        (b"%d" % priority, priority) for priority in range(QUEUES)
    }
