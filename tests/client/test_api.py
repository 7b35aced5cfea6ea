import pytest

from rmqwire.client.admin_api import view_message
from rmqwire.client.api import NO_OFFSET, ClientApi, vip_address
from rmqwire.client.config import ClientConfig
from rmqwire.client.requests import RequestFactory
from rmqwire.codec import headers as h
from rmqwire.codec.bodies import HeartbeatData, MessageQueue
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.record import encode_message
from rmqwire.errors import BadRecord, BrokerError

QUEUE = MessageQueue("T", "a", 1)


class Server:
    """Answers everything with one code, header and body."""

    def __init__(self, code=0, header=None, body=b"", remark=None):
        self.answer = (code, remark, header, body)
        self.requests = []

    async def invoke(self, addr, command, timeout_ms=3000):
        self.requests.append((addr, command))
        return command.create_response(*self.answer)

    async def invoke_oneway(self, addr, command):
        self.requests.append((addr, command))


def api(server, **config):
    config = ClientConfig(namesrv_addr="x:1", **config)
    return ClientApi(server, RequestFactory(config), config)


def test_vip_address():
    assert vip_address("10.0.0.1:10911") == "10.0.0.1:10909"
    assert vip_address("[::1]:10911") == "[::1]:10909"


async def test_offsets():
    server = Server(header=h.GetMaxOffsetResponseHeader(offset=7))
    calls = api(server)
    assert await calls.max_offset("a:3", QUEUE) == 7
    assert await calls.min_offset("a:3", QUEUE) == 7
    assert await calls.search_offset("a:3", QUEUE, 5) == 7
    assert await calls.query_consumer_offset("a:3", "g", QUEUE) == 7
    assert [command.code for _, command in server.requests] == [30, 31, 29, 14]


async def test_no_offset_is_no_error():
    assert await api(Server(22)).query_consumer_offset("a:3", "g", QUEUE) == NO_OFFSET


async def test_no_route_is_no_error():
    assert await api(Server(17)).topic_route("n:1", "T") is None


async def test_refusal():
    with pytest.raises(BrokerError) as caught:
        await api(Server(1, remark="no")).max_offset("a:3", QUEUE)
    assert (caught.value.code, caught.value.remark, caught.value.addr) == (1, "no", "a:3")


async def test_view_message():
    stored = StoredMessage("T", b"x", queue_offset=3)
    found = await view_message(api(Server(body=encode_message(stored))), "a:3", "T", 0)
    assert (found.topic, found.body, found.queue_offset) == ("T", b"x", 3)
    with pytest.raises(BadRecord):
        await view_message(api(Server(body=b"nonsense")), "a:3", "T", 0)


async def test_requests_that_java_sends_to_the_vip_port_go_there_and_no_others():
    server = Server(header=h.GetMaxOffsetResponseHeader(offset=7), body=b"{}")
    calls = api(server, vip_channel_enabled=True)
    await calls.max_offset("a:3", QUEUE)
    await calls.min_offset("a:3", QUEUE)
    await calls.search_offset("a:3", QUEUE, 5)
    await calls.query_consumer_offset("a:3", "g", QUEUE)
    await calls.update_consumer_offset("a:3", "g", QUEUE, 1)
    await calls.update_consumer_offset("a:3", "g", QUEUE, 1, oneway=False)
    await calls.consumer_list("a:3", "g")
    await calls.lock_batch("a:3", "c", "g", [QUEUE])
    await calls.unlock_batch("a:3", "c", "g", [QUEUE], oneway=False)
    await calls.unlock_batch("a:3", "c", "g", [QUEUE], oneway=True)
    assert {addr for addr, _ in server.requests} == {"a:1"}
    server.requests.clear()
    await calls.heartbeat("a:3", HeartbeatData())
    await calls.unregister("a:3", "c", consumer_group="g")
    await calls.end_transaction(
        "a:3",
        h.EndTransactionRequestHeader(
            msg_id="m",
            transaction_id="t",
            producer_group="g",
            tran_state_table_offset=0,
            commit_log_offset=0,
            commit_or_rollback=0,
        ),
        None,
    )
    assert {addr for addr, _ in server.requests} == {"a:3"}
