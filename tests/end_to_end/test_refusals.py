"""Well-formed frames with bad contents over TCP: RocketMQ's own code and a remark that says why."""

from __future__ import annotations

import zlib

import pytest
import trio

from rmqwire import ConsumeStatus, PushConsumer
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.message import Message
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.codec.sys_flag import COMPRESSED_FLAG
from tests.end_to_end.support import cluster, healthy, tracebacks
from tests.support import requests

MIB = 1 << 20
BATCH = encode_batch([Message("T", b"one"), Message("T", b"two")])


def heartbeat(body: bytes) -> RemotingCommand:
    return RemotingCommand(34, {}, body)


SENDS = {
    "body too large": ({"body": bytes(4 * MIB + 1)}, (13, 13), "msg body length limit 4194304B"),
    "properties too long": ({"properties": "a\x01" + "b" * 32_768}, (13, 13), "message is illegal"),
    "topic too long": ({"topic": "t" * 128}, (1, 29), "longer than topic max length"),
    "topic with a path": ({"topic": "../../etc/x"}, (1, 29), "contains illegal characters"),
    "topic with a zero": ({"topic": "a\x00b"}, (1, 29), "contains illegal characters"),
    "blank topic": ({"topic": "  "}, (1, 29), "The specified topic is blank."),
    "system topic": ({"topic": "SCHEDULE_TOPIC_XXXX"}, (16, 16), "is forbidden."),
    "queue too high": ({"queue_id": 9999}, (1, 29), "request queueId[9999] is illegal"),
    "batch cut short": ({"batch": True, "body": BATCH[:-3], "code": 320}, (1, 1), "batch"),
    "batch of lies": (
        {"batch": True, "body": BATCH[:16] + b"\x7f" + BATCH[17:], "code": 320},
        (1, 1),
        "batch",
    ),
    "batch too large": (
        {"batch": True, "body": encode_batch([Message("T", bytes(5 * MIB))]), "code": 320},
        (13, 13),
        "",
    ),
}
OTHERS = {
    "pull of a long group": (
        requests.pull("Healthy", consumer_group="g" * 121), (26, 26), "does not exist"),
    "pull of a group with a path": (
        requests.pull("Healthy", consumer_group="../g"), (26, 26), "does not exist"),
    "pull of an unknown topic": (requests.pull("nope"), (17, 17), "not exist, apply first"),
    "pull of queue -1": (requests.pull("Healthy", queue_id=-1), (1, 29), "is illegal"),
    "pull by SQL": (
        requests.pull("Healthy", expression_type="SQL92", subscription="a > 1"), (1, 1), "filter"),
    "heartbeat of nothing": (heartbeat(b""), (1, 1), ""),
    "heartbeat that is no JSON": (heartbeat(b'{"clientID":'), (1, 1), ""),
    "heartbeat of a list": (heartbeat(b"[1,2,3]"), (1, 1), ""),
    "deep heartbeat": (heartbeat(b"[" * 100_000), (1, 1), ""),
    "offset that is no number": (
        RemotingCommand(15, {"consumerGroup": "g", "topic": "T", "queueId": "0",
                             "commitOffset": "many"}), (1, 1), "commitOffset"),
    "number of 5,000 digits": (
        RemotingCommand(30, {"topic": "T", "queueId": "9" * 5000}), (1, 1), "queueId"),
    "message at no place": (RemotingCommand(33, {"offset": "999999"}), (1, 1), "can not find"),
    "message at a negative place": (RemotingCommand(33, {"offset": "-5"}), (1, 1), ""),
    "unknown code": (RemotingCommand(4242, {}), (3, 3), " request type 4242 not supported"),
    "topic of 2^31 queues": (
        RemotingCommand(17, {"topic": "Big", "defaultTopic": "TBW102", "perm": "6",
                             "readQueueNums": "2147483647", "writeQueueNums": "1",
                             "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0",
                             "order": "false"}), (1, 29), "readQueueNums[2147483647]"),
    "setting of a path": (
        RemotingCommand(25, {}, b"storePathRootDir=/etc\n"), (16, 16), "storePathRootDir"),
}  # fmt: skip


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
async def test_each_bad_request_gets_its_code_and_a_remark(tmp_path, caplog, release):
    which = int(release is V5_5_0)
    async with cluster(tmp_path, release) as here, here.wire() as well, here.wire() as wire:
        await healthy(well)
        store = here.server.core.state.store
        end, topics = store.max_phy_offset, set(here.server.core.state.topics.table)
        cases = {
            name: (requests.send(**f), codes, said) for name, (f, codes, said) in SENDS.items()
        }
        for name, (request, codes, said) in {**cases, **OTHERS}.items():
            answer = await wire.call(request)
            assert answer.code == codes[which], (name, answer)
            assert answer.remark, name
            assert said in answer.remark, name
        assert store.max_phy_offset == end
        made = set(here.server.core.state.topics.table) - topics
        assert made <= {"T"}  # of sends whose message was refused after its topic was made
        await healthy(well)
    assert not tracebacks(caplog)


async def test_a_compressed_bomb_stops_nobody(tmp_path, caplog):
    """408 KB that become 400 MiB: the consumer does not unpack them, and reads what comes after."""
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(400)) + packer.flush()
    assert len(bomb) < MIB
    seen = []

    def listen(messages):
        seen.extend((m.body[:10], len(m.body)) for m in messages)
        return ConsumeStatus.CONSUME_SUCCESS

    async with cluster(tmp_path) as here, here.wire() as wire:
        answer = await wire.call(requests.send("T", bomb, sys_flag=COMPRESSED_FLAG))
        assert answer.code == 0
        torn = zlib.compress(b"x" * 1000)[:-5]
        assert (await wire.call(requests.send("T", torn, sys_flag=COMPRESSED_FLAG))).code == 0
        assert (await wire.call(requests.send("T", b"after"))).code == 0
        consumer = PushConsumer(
            "cg", namesrv_addr=here.namesrv_addr, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
        )
        consumer.subscribe("T", "*", listen)
        async with consumer:
            with trio.fail_after(20):
                while (b"after", 5) not in seen:  # noqa: ASYNC110  the listener makes it true
                    await trio.sleep(0.02)
    assert max(size for _, size in seen) < 16 * MIB
    assert not tracebacks(caplog)
