"""Every road on which a server's answer reaches a user raises the class of the answer's code."""

from __future__ import annotations

from random import Random

import pytest

from rmqwire.admin.admin import Admin
from rmqwire.client.api import ClientApi
from rmqwire.client.config import ClientConfig
from rmqwire.client.requests import RequestFactory
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import SendMessageResponseHeader
from rmqwire.codec.message import Message
from rmqwire.errors import BrokerError
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import STATUS_OF_CODE
from rmqwire.remoting.client import RemotingClient, expect
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.server import RemotingServer
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr

CLASSES = sorted(BrokerError.by_code.items())
UNKNOWN = (54321, BrokerError)
QUEUE = MessageQueue("T", "a", 0)


class Refusing:
    """A real server that answers every request with the code of the day."""

    code = 0
    addr = ""

    def answer(self, connection, request):
        return request.create_response(self.code, f"refused with {self.code}")


@pytest.fixture
async def server(nursery):
    refusing = Refusing()
    handlers = HandlerTable(handlers=dict.fromkeys(map(int, RequestCode), refusing.answer))
    _, port = await nursery.start(RemotingServer(handlers).serve, "127.0.0.1", 0)
    refusing.addr = f"127.0.0.1:{port}"
    return refusing


def assert_is(caught, code, kind, addr):
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.remark, error.addr) == (code, f"refused with {code}", addr)


async def test_every_code_has_its_class_through_invoke_and_expect(server):
    async with RemotingClient() as client:
        for code, kind in [*CLASSES, UNKNOWN]:
            server.code = code
            asked = RemotingCommand.request(int(RequestCode.GET_BROKER_HA_STATUS))
            answer = await client.invoke(server.addr, asked)
            with pytest.raises(BrokerError) as caught:
                expect(answer, server.addr)
            assert_is(caught, code, kind, server.addr)


async def test_every_code_has_its_class_through_the_typed_calls(server):
    config = ClientConfig(namesrv_addr=server.addr)
    async with RemotingClient() as client:
        api = ClientApi(client, RequestFactory(config), config)
        for code, kind in [*CLASSES, UNKNOWN]:
            server.code = code
            with pytest.raises(BrokerError) as caught:
                await api.max_offset(server.addr, QUEUE)
            assert_is(caught, code, kind, server.addr)


async def test_every_code_has_its_class_through_admin(server):
    async with RemotingClient() as client:
        admin = Admin(client, server.addr)
        for code, kind in [*CLASSES, UNKNOWN]:
            server.code = code
            with pytest.raises(BrokerError) as caught:
                await admin.broker_status(server.addr)
            assert_is(caught, code, kind, server.addr)


async def test_every_code_has_its_class_through_send(autojump_clock):
    """The codes that say "stored, but" are no errors: they are the result's status."""
    cluster = FakeCluster()
    cluster.add_topic("T", brokers=("a",))
    stored = SendMessageResponseHeader(msg_id="id", queue_id=0, queue_offset=0)
    code, kind = UNKNOWN
    cluster.faults.append(
        lambda _, command: (
            (code, f"refused with {code}", stored)
            if command.code == RequestCode.SEND_MESSAGE_V2
            else None
        )
    )
    client = Producer("pg", namesrv_addr=NAMESRV, remoting=cluster.remoting, rng=Random(7))
    async with client as producer:
        for code, kind in [*CLASSES, UNKNOWN]:
            if code in STATUS_OF_CODE:
                result = await producer.send(Message("T", b"x"))
                assert result.send_status is STATUS_OF_CODE[code]
                continue
            with pytest.raises(BrokerError) as caught:
                await producer.send(Message("T", b"x"))
            assert_is(caught, code, kind, broker_addr("a"))
