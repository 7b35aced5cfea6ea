"""The client's shell: requests and answers, hooks, time, limits, its end."""

import pytest
import trio
import trio.testing

from rmqwire.auth.credentials import Credentials
from rmqwire.auth.signature import SigningHook
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.errors import ConnectFailed, RemotingTimeout, SendFailed, TooManyRequests
from rmqwire.remoting.channel import trio_ms
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.open_requests import Asked
from rmqwire.remoting.server import RemotingServer
from tests.remoting.nets import ADDR, Net, echo


async def test_invoke(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client:
        reply = await client.invoke(ADDR, RemotingCommand(1, body=b"x"))
        assert (reply.code, bytes(reply.body)) == (1, b"x")
        assert client.addresses == [ADDR]
    assert net.connects == [("broker", 10911)]


async def test_hooks_see_a_request_before_it_is_sent(nursery, autojump_clock):
    hook = SigningHook(Credentials("key", "secret"))
    net = Net(nursery, {1: lambda c, r: r.create_response(remark=r.ext_fields["AccessKey"])})
    async with RemotingClient(connect=net.connect, hooks=[hook]) as client:
        assert (await client.invoke(ADDR, RemotingCommand(1))).remark == "key"


@pytest.mark.parametrize("credentials", [None, Credentials("key", "secret")])
async def test_a_written_request_gets_what_every_request_gets(nursery, autojump_clock, credentials):
    hooks = [SigningHook(credentials)] if credentials else []

    def tell(connection, request):
        return request.create_response(
            remark=f"{request.version} {(request.ext_fields or {}).get('AccessKey')}"
        )

    net, got = Net(nursery, {1: tell}), []
    async with RemotingClient(connect=net.connect, hooks=hooks, version=300) as client:
        request = RemotingCommand(1)
        written = request.opaque, encode_command(request)
        assert not client.invoke_now(ADDR, *written, Asked(got.append, trio_ms() + 1000)), (
            "it isn't connected"
        )
        await client.invoke(ADDR, RemotingCommand(1))
        assert client.invoke_now(ADDR, *written, Asked(got.append, trio_ms() + 1000))
        await trio.testing.wait_all_tasks_blocked()
    assert [one.remark for one in got] == [f"300 {'key' if credentials else None}"]


async def test_over_real_sockets(nursery):
    _, port = await nursery.start(
        RemotingServer(HandlerTable(handlers={1: echo})).serve, "127.0.0.1", 0
    )
    async with RemotingClient() as client:
        reply = await client.invoke(f"127.0.0.1:{port}", RemotingCommand(1, body=bytes(300_000)))
        assert len(reply.body) == 300_000


async def test_a_cancelled_caller_can_still_say_farewell(net, autojump_clock):
    with trio.move_on_after(1) as scope:
        async with RemotingClient(connect=net.connect) as client:
            try:
                await client.invoke(ADDR, RemotingCommand(11), 5000)  # no answer comes
            finally:
                with trio.CancelScope(shield=True):
                    assert (await client.invoke(ADDR, RemotingCommand(1))).code == 1
                    with pytest.raises(RemotingTimeout):
                        await client.invoke(ADDR, RemotingCommand(11), 250)
    assert scope.cancelled_caught
    assert len(net.connects) == 1


async def test_no_answer_in_time(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client:
        start = trio.current_time()
        with pytest.raises(RemotingTimeout):
            await client.invoke(ADDR, RemotingCommand(11), 250)
        assert 0.2 <= trio.current_time() - start <= 0.3
        with pytest.raises(RemotingTimeout):
            await client.invoke(ADDR, RemotingCommand(11), 20_000)
        assert 20.2 <= trio.current_time() - start <= 20.4


async def test_invoke_async_calls_back(net, autojump_clock):
    got = []
    async with RemotingClient(connect=net.connect) as client:
        await client.invoke_async(ADDR, RemotingCommand(1), got.append)
        await client.invoke_async(ADDR, RemotingCommand(11), got.append, 500)
        await trio.sleep(1)
    assert [type(outcome) for outcome in got] == [RemotingCommand, RemotingTimeout]


async def test_oneway_is_sent_and_not_answered(nursery, autojump_clock):
    seen = []
    net = Net(nursery, {34: lambda c, r: seen.append(r.is_oneway)})
    async with RemotingClient(connect=net.connect) as client:
        await client.invoke_oneway(ADDR, RemotingCommand(34))
        await trio.testing.wait_all_tasks_blocked()
        assert seen == [True]


async def test_requests_of_the_server_reach_our_handlers(net, autojump_clock):
    async def asked(connection):
        got = []
        connection.request(RemotingCommand(39, opaque=5), got.append, 1000)
        await trio.sleep(0.1)
        return got[0]

    handlers = HandlerTable(handlers={39: lambda c, r: r.create_response(7, c.peer)})
    async with RemotingClient(handlers, connect=net.connect) as client:
        await client.invoke(ADDR, RemotingCommand(1))
        reply = await asked(net.server.connections[0])
        assert (reply.code, reply.remark) == (7, ADDR)


async def test_limits_of_outstanding_requests(net, autojump_clock):
    limits = Limits(async_requests=1)
    async with RemotingClient(connect=net.connect, limits=limits) as client:
        await client.invoke_async(ADDR, RemotingCommand(11), print)
        with pytest.raises(TooManyRequests):
            await client.invoke(ADDR, RemotingCommand(11))
        client.close_address("unknown:1")


async def test_version_and_serialization_are_stamped(nursery, autojump_clock):
    seen = []
    net = Net(nursery, {1: lambda c, r: seen.append((r.version, r.serialize_type))})
    async with RemotingClient(connect=net.connect, version=407, serialize_type=1) as client:
        await client.invoke_oneway(ADDR, RemotingCommand(1))
        await trio.testing.wait_all_tasks_blocked()
    assert seen == [(407, 1)]


class Signer:
    def __init__(self):
        self.seen = []

    def before_request(self, addr, request):
        if request.code == 2:
            raise Reject(16, "not signed")
        request.ext_fields = {"Signature": "s"}

    def after_response(self, addr, request, response):
        self.seen.append((addr, request.code, response.code))


async def test_hooks_see_requests_and_answers(nursery, autojump_clock):
    net = Net(nursery, {1: lambda c, r: r.create_response(0, r.ext_fields["Signature"])})
    async with RemotingClient(connect=net.connect) as client:
        signer = Signer()
        client.hooks.append(signer)
        assert (await client.invoke(ADDR, RemotingCommand(1))).remark == "s"
        with pytest.raises(Reject):
            await client.invoke(ADDR, RemotingCommand(2))
    assert signer.seen == [(ADDR, 1, 0)]


async def test_a_closed_client_says_so(net, autojump_clock):
    client = RemotingClient(connect=net.connect)
    with pytest.raises(ConnectFailed):
        await client.invoke(ADDR, RemotingCommand(1))
    async with client:
        await client.invoke(ADDR, RemotingCommand(1))
    with pytest.raises(ConnectFailed):
        await client.invoke(ADDR, RemotingCommand(1))


async def test_leaving_while_others_wait_fails_them(net, autojump_clock):
    failed = []

    async def call(client, code):
        with pytest.raises((SendFailed, ConnectFailed)):
            await client.invoke(ADDR, RemotingCommand(code))
        failed.append(code)

    async with trio.open_nursery() as callers, RemotingClient(connect=net.connect) as client:
        callers.start_soon(call, client, 11)
        await trio.testing.wait_all_tasks_blocked()
    assert failed == [11]


async def test_an_error_of_the_block_is_not_wrapped(net, autojump_clock):
    async def block():
        async with RemotingClient(connect=net.connect) as client:
            await client.invoke(ADDR, RemotingCommand(1))
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await block()
