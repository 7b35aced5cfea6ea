"""What a broker tells its name servers, compared with what Java's told them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.broker.peers.outer_api import BrokerOuterAPI
from rmqwire.codec.bodies import KVTable, RegisterBrokerBody
from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.crc import body_crc
from rmqwire.codec.release import V4_9_7, V5_5_0, release_named
from rmqwire.errors import ConnectFailed
from tests.support.broker import MemoryBroker
from tests.support.golden import frame_files, frames

if TYPE_CHECKING:
    from pathlib import Path


class Scripted:
    """A remoting client that answers by request code."""

    def __init__(self, **answers: RemotingCommand | Exception) -> None:
        self.answers = {int(code[1:]): answer for code, answer in answers.items()}
        self.sent: list[RemotingCommand] = []

    async def invoke(self, addr: str, command: RemotingCommand, timeout_ms: int) -> RemotingCommand:
        self.sent.append(command)
        answer = self.answers[command.code]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def broker(tmp_path: Path):
    made = MemoryBroker(tmp_path, broker_name="gold-a", broker_cluster_name="GoldCluster")
    yield made
    made.close()


def recorded_registration(release_name: str) -> RemotingCommand:
    for path in frame_files("a_broker_startup_register"):
        if path.parts[-3:-1] == (release_name, "JSON"):
            return decode_command(next(frames(path))[1])
    raise AssertionError(release_name)


@pytest.mark.parametrize("release_name", ["4.9.7", "5.5.0"])
def test_a_registration_has_the_recorded_shape(tmp_path, release_name):
    broker = MemoryBroker(
        tmp_path,
        release_named(release_name),
        broker_name="gold-a",
        broker_cluster_name="GoldCluster",
        listen_port=20911,
        default_topic_queue_nums=2,
    )
    ours = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None).register_request()
    java = recorded_registration(release_name)
    assert ours.ext_fields.keys() == java.ext_fields.keys()
    same = set(java.ext_fields) - {"bodyCrc32"}
    assert {k: ours.ext_fields[k] for k in same} == {k: java.ext_fields[k] for k in same}
    assert int(ours.ext_fields["bodyCrc32"]) == body_crc(ours.body)
    body, recorded = (RegisterBrokerBody.decode(bytes(c.body)) for c in (ours, java))
    table = recorded.topic_config_serialize_wrapper.topic_config_table
    assert table == body.topic_config_serialize_wrapper.topic_config_table
    broker.close()


def test_4_9_compresses_when_told(tmp_path):
    broker = MemoryBroker(tmp_path, V4_9_7, compressed_register=True)
    request = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None).register_request()
    assert request.ext_fields["compressed"] == "true"
    body = RegisterBrokerBody.decode(request.body, compressed=True, mq_version=V4_9_7.mq_version)
    assert "TBW102" in body.topic_config_serialize_wrapper.topic_config_table
    broker.close()


def test_a_broker_without_write_permission_registers_none(broker):
    broker.state.config.broker_permission = 4
    request = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None).register_request()
    body = RegisterBrokerBody.decode(bytes(request.body))
    assert {
        topic.perm & 2 for topic in body.topic_config_serialize_wrapper.topic_config_table.values()
    } == {0}
    assert broker.state.topics.table["TBW102"].perm == 7


async def test_the_answers_order_topics_are_taken(broker):
    answer = RemotingCommand(0, None, KVTable(table={"TBW102": "gold-a:8"}).encode(V5_5_0))
    api = BrokerOuterAPI(Scripted(_103=answer), broker.state, lambda *_: None)
    assert await api.register("n:1", force=True)
    assert broker.state.topics.table["TBW102"].order
    version = broker.state.topics.data_version.counter
    assert await api.register("n:1", force=True)
    assert broker.state.topics.data_version.counter == version


@pytest.mark.parametrize(
    ("answer", "registers"),
    [
        (RemotingCommand(0, {"changed": "true"}), True),
        (RemotingCommand(0, {"changed": "false"}), False),
        (RemotingCommand(0, {"changed": "false"}, b'{"counter":99,"timestamp":1}'), True),
        (RemotingCommand(1, None, remark="no"), False),
        (ConnectFailed("down", "n:1"), True),
    ],
)
async def test_without_force_the_name_server_is_asked_first(broker, answer, registers):
    client = Scripted(_322=answer, _103=RemotingCommand(0))
    assert await BrokerOuterAPI(client, broker.state, lambda *_: None).register("n:1", force=False)
    assert [command.code for command in client.sent] == ([322, 103] if registers else [322])


@pytest.mark.parametrize(
    "answer",
    [ConnectFailed("down", "n:1"), RemotingCommand(1, None), RemotingCommand(0, None, b"x")],
)
async def test_a_failed_registration_is_told_not_raised(broker, answer):
    api = BrokerOuterAPI(Scripted(_103=answer, _104=answer), broker.state, lambda *_: None)
    assert not await api.register("n:1", force=True)
    await api.unregister("n:1")


async def test_a_registration_that_works_again_is_one_line(broker, caplog):
    client = Scripted(_103=ConnectFailed("refused", "n:1"))
    api = BrokerOuterAPI(client, broker.state, lambda *_: None)
    for _ in range(3):
        assert not await api.register("n:1", force=True)
    client.answers[103] = RemotingCommand(0)
    for addr in ("n:1", "n:1", "n:2"):
        assert await api.register(addr, force=True)
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        *["not registered at name server n:1: refused <n:1>"] * 3,
        "registered at name server n:1 after failures: 3",
    ]
