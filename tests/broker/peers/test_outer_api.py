"""What a broker tells its name servers, compared with what Java's told them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.broker.peers import outer_api
from rmqwire.broker.peers.outer_api import BrokerOuterAPI
from rmqwire.codec.bodies import KVTable, RegisterBrokerBody, TopicRouteData
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
    ours = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None).register_request(
        broker.state.topics.table
    )
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
    request = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None).register_request(
        broker.state.topics.table
    )
    assert request.ext_fields["compressed"] == "true"
    body = RegisterBrokerBody.decode(request.body, compressed=True, mq_version=V4_9_7.mq_version)
    assert "TBW102" in body.topic_config_serialize_wrapper.topic_config_table
    broker.close()


def test_5_x_registers_in_plain_even_when_told_to_compress(tmp_path):
    """Java's sets the flag to false over a compressed body, which its name servers refuse."""
    broker = MemoryBroker(tmp_path, V5_5_0, compressed_register=True)
    api = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None)
    request = api.register_request(broker.state.topics.table)
    assert request.ext_fields["compressed"] == "false"
    assert "TBW102" in bytes(request.body).decode()
    broker.close()


async def test_a_large_table_is_one_registration_with_its_version(broker):
    """Java's registration in pieces loses the version (apache/rocketmq #10604)."""
    with broker.state.topics.written_together():
        for number in range(2_000):
            new_topic(broker, f"topic{number}")
    client = Scripted(_103=RemotingCommand(0))
    api = BrokerOuterAPI(client, broker.state, lambda *_: None)
    assert await api.register("n:1", force=True)
    (request,) = client.sent
    wrapper = RegisterBrokerBody.decode(bytes(request.body)).topic_config_serialize_wrapper
    assert wrapper.data_version == broker.state.topics.data_version
    assert wrapper.topic_config_table == broker.state.topics.table


def test_a_broker_without_write_permission_registers_none(broker):
    broker.state.config.broker_permission = 4
    request = BrokerOuterAPI(Scripted(), broker.state, lambda *_: None).register_request(
        broker.state.topics.table
    )
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


def new_topic(broker, name="new"):
    broker.state.topics.create_topic_in_send_message_back(name, 3, 6, 0)


@pytest.mark.parametrize(
    ("version", "codes"), [(513, [103, 217]), (355, [103, 103]), (0, [103, 103])]
)
async def test_a_new_topic_is_told_alone_in_the_way_that_the_name_server_knows(
    broker, version, codes
):
    answer = RemotingCommand(0, version=version)
    client = Scripted(_103=answer, _217=answer)
    api = BrokerOuterAPI(client, broker.state, lambda *_: None)
    assert await api.register("n:1", force=True)
    new_topic(broker)
    assert await api.register_topics("n:1", ["new", "deleted meanwhile"])
    assert [command.code for command in client.sent] == codes
    told = client.sent[1]
    if codes[1] == 217:
        (queues,) = TopicRouteData.decode(bytes(told.body)).queue_datas
        assert told.ext_fields["topic"] == "new"
        assert (queues.broker_name, queues.read_queue_nums, queues.perm) == ("gold-a", 3, 6)
    else:
        wrapper = RegisterBrokerBody.decode(bytes(told.body)).topic_config_serialize_wrapper
        assert list(wrapper.topic_config_table) == ["new"]
        assert wrapper.data_version == broker.state.topics.data_version


async def test_a_topic_alone_has_no_more_permission_than_its_broker(broker):
    answer = RemotingCommand(0, version=513)
    client = Scripted(_103=answer, _217=answer)
    api = BrokerOuterAPI(client, broker.state, lambda *_: None)
    await api.register("n:1", force=True)
    broker.state.config.broker_permission = 4
    new_topic(broker)
    assert await api.register_topics("n:1", ["new"])
    (queues,) = TopicRouteData.decode(bytes(client.sent[1].body)).queue_datas
    assert queues.perm == 4


async def test_a_topic_that_a_name_server_refuses_is_not_told(broker):
    client = Scripted(_103=RemotingCommand(1, remark="not registered"))
    api = BrokerOuterAPI(client, broker.state, lambda *_: None)
    assert not await api.register_topics("n:1", ["TBW102"])


async def test_the_registration_of_a_large_table_is_made_in_a_thread(broker, monkeypatch):
    monkeypatch.setattr(outer_api, "LARGE_TABLE", 2)
    made = []

    async def in_thread(make):
        made.append(make())
        return made[0]

    client = Scripted(_103=RemotingCommand(0))
    api = BrokerOuterAPI(client, broker.state, lambda *_: None, in_thread)
    assert await api.register("n:1", force=True)
    assert client.sent == made


async def test_a_registration_in_pieces_tells_every_topic_once(broker):
    broker.state.config.enable_split_registration = True
    broker.state.config.split_registration_size = 3
    client = Scripted(_103=RemotingCommand(0))
    api = BrokerOuterAPI(client, broker.state, lambda *_: None)
    assert await api.register("n:1", force=False)  # the name server isn't asked what it has
    pieces = [
        list(
            RegisterBrokerBody.decode(
                bytes(sent.body)
            ).topic_config_serialize_wrapper.topic_config_table
        )
        for sent in client.sent
    ]
    assert {len(piece) for piece in pieces[:-1]} == {3}
    told = [name for piece in pieces for name in piece]
    assert sorted(told) == sorted(broker.state.topics.table)
