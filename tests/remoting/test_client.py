"""The client's shell: shared connections, reconnecting, time, errors."""

import socket

import pytest
import trio
import trio.testing

from rmqwire.auth.credentials import Credentials
from rmqwire.auth.signature import SigningHook
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.errors import ConnectFailed, RemotingTimeout, SendFailed, TooManyRequests
from rmqwire.remoting.channel import trio_ms
from rmqwire.remoting.client import RemotingClient, split_address
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.server import RemotingServer

ADDR = "broker:10911"


class Net:
    """A server on memory streams, and how often it was connected to."""

    def __init__(self, nursery, handlers):
        self.nursery = nursery
        self.server = RemotingServer(HandlerTable(handlers=handlers))
        self.connects = []
        self.delay = 0
        self.error = None

    async def connect(self, host, port):
        self.connects.append((host, port))
        await trio.sleep(self.delay)
        if self.error:
            raise self.error
        far, near = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self.server.serve_stream, near, "client:1")
        return far


def echo(connection, request):
    return request.create_response(request.code, None, body=bytes(request.body))


@pytest.fixture
def net(nursery):
    return Net(nursery, {1: echo, 11: lambda c, r: None})


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
        assert not client.invoke_now(ADDR, *written, got.append, 1000, trio_ms()), (
            "it isn't connected"
        )
        await client.invoke(ADDR, RemotingCommand(1))
        assert client.invoke_now(ADDR, *written, got.append, 1000, trio_ms())
        await trio.testing.wait_all_tasks_blocked()
    assert [one.remark for one in got] == [f"300 {'key' if credentials else None}"]


async def test_a_request_that_was_sent_at_once_finds_a_silent_connection_too(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client:
        await client.invoke(ADDR, RemotingCommand(1))
        request, got = RemotingCommand(11), []
        assert client.invoke_now(
            ADDR, request.opaque, encode_command(request), got.append, 250, trio_ms()
        )
        await trio.sleep(0.5)
        assert isinstance(got[0], RemotingTimeout)
        await client.invoke(ADDR, RemotingCommand(1))
    assert len(net.connects) == 2


async def test_after_an_interrupted_send_nothing_more_goes_over_that_connection(
    net, autojump_clock
):
    def interrupt():
        raise KeyboardInterrupt

    async with RemotingClient(connect=net.connect) as client:
        await client.invoke(ADDR, RemotingCommand(1))
        connection = client._links[ADDR].channel.connection  # where Ctrl-C comes in between
        wake, connection.on_wake = connection.on_wake, interrupt
        request, got = RemotingCommand(11), []
        with pytest.raises(KeyboardInterrupt):
            client.invoke_now(
                ADDR, request.opaque, encode_command(request), got.append, 5000, trio_ms()
            )
        connection.on_wake = wake
        assert connection.data_to_send() == b""
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(got[0], SendFailed)
        assert "interrupted" in str(got[0])
        await client.invoke(ADDR, RemotingCommand(1))
    assert len(net.connects) == 2


async def test_over_real_sockets(nursery):
    _, port = await nursery.start(
        RemotingServer(HandlerTable(handlers={1: echo})).serve, "127.0.0.1", 0
    )
    async with RemotingClient() as client:
        reply = await client.invoke(f"127.0.0.1:{port}", RemotingCommand(1, body=bytes(300_000)))
        assert len(reply.body) == 300_000


async def test_concurrent_callers_share_one_connection(net, autojump_clock):
    net.delay = 1
    got = []

    async def call(n):
        got.append((await client.invoke(ADDR, RemotingCommand(1, body=b"%d" % n))).body)

    async with RemotingClient(connect=net.connect) as client, trio.open_nursery() as callers:
        for n in range(20):
            callers.start_soon(call, n)
    assert sorted(int(bytes(body)) for body in got) == list(range(20))
    assert len(net.connects) == 1


async def test_a_cancelled_first_caller_does_not_stop_the_others(net, autojump_clock):
    net.delay = 1
    async with RemotingClient(connect=net.connect) as client:
        with trio.move_on_after(0.5):
            await client.invoke(ADDR, RemotingCommand(1))
        assert (await client.invoke(ADDR, RemotingCommand(1))).code == 1
    assert len(net.connects) == 1


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


async def test_a_connection_that_is_silent_while_an_answer_is_due_is_not_used_again(
    net, autojump_clock
):
    async with RemotingClient(connect=net.connect) as client, trio.open_nursery() as callers:
        await client.invoke(ADDR, RemotingCommand(1))
        ended = []

        async def wait_long():
            with pytest.raises(SendFailed, match=r"nothing came for \d+ ms"):
                await client.invoke(ADDR, RemotingCommand(11), 30_000)  # a pull, held up
            ended.append(trio.current_time())

        callers.start_soon(wait_long)
        await trio.testing.wait_all_tasks_blocked()
        start = trio.current_time()
        with pytest.raises(RemotingTimeout):
            await client.invoke(ADDR, RemotingCommand(11), 3000)
        assert (await client.invoke(ADDR, RemotingCommand(1))).code == 1
        assert len(net.connects) == 2
    assert ended[0] - start == pytest.approx(3, abs=0.1)


async def test_a_connection_on_which_other_answers_come_is_kept(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client, trio.open_nursery() as callers:

        async def wait_long():
            with pytest.raises(RemotingTimeout):
                await client.invoke(ADDR, RemotingCommand(11), 3000)

        callers.start_soon(wait_long)
        await trio.sleep(1)
        await client.invoke(ADDR, RemotingCommand(1))
        await trio.sleep(3)
        await client.invoke(ADDR, RemotingCommand(1))
        with pytest.raises(RemotingTimeout):  # too short a wait to mean anything
            await client.invoke(ADDR, RemotingCommand(11), 50)
        await client.invoke(ADDR, RemotingCommand(1))
    assert len(net.connects) == 1


async def test_connecting_counts_into_the_time(net, autojump_clock):
    net.delay = 2
    async with RemotingClient(connect=net.connect) as client:
        with pytest.raises(RemotingTimeout) as unsent:
            await client.invoke(ADDR, RemotingCommand(1), 1000)
        start = trio.current_time()
        with pytest.raises(RemotingTimeout) as sent:
            await client.invoke(ADDR, RemotingCommand(11), 3000)
        assert (unsent.value.maybe_stored, sent.value.maybe_stored) == (False, True)
        assert 2.9 <= trio.current_time() - start <= 3.1


async def test_connect_timeout(net, autojump_clock):
    net.delay = 60
    async with RemotingClient(connect=net.connect) as client:
        with pytest.raises(ConnectFailed):
            await client.invoke(ADDR, RemotingCommand(1), 30_000)
        assert trio.current_time() == pytest.approx(3, abs=0.1)


async def test_connect_refused_fails_all_who_wait_and_is_tried_again(net, autojump_clock):
    net.error = ConnectionRefusedError("refused")
    net.delay = 1
    failed = []

    async def call():
        with pytest.raises(ConnectFailed) as raised:
            await client.invoke(ADDR, RemotingCommand(1))
        failed.append(str(raised.value))

    async with RemotingClient(connect=net.connect) as client:
        async with trio.open_nursery() as callers:
            for _ in range(3):
                callers.start_soon(call)
        assert len(failed) == 3
        assert "refused" in failed[0]
        assert ADDR in failed[0]
        net.error = None
        assert (await client.invoke(ADDR, RemotingCommand(1))).code == 1
    assert len(net.connects) == 2


async def test_no_listener_is_connect_failed():
    async with RemotingClient() as client:
        with pytest.raises(ConnectFailed):
            await client.invoke("127.0.0.1:1", RemotingCommand(1))


@pytest.mark.parametrize("addr", ["", "host", "host:", ":1", "host:x", "host:0", "host:65536"])
async def test_an_address_that_is_none(addr):
    async with RemotingClient() as client:
        with pytest.raises(ConnectFailed):
            await client.invoke(addr, RemotingCommand(1))


def test_addresses():
    assert split_address("127.0.0.1:9876") == ("127.0.0.1", 9876)
    assert split_address("[::1]:9876") == ("::1", 9876)
    assert split_address("::1:9876") == ("::1", 9876)


async def test_loss_fails_all_who_wait_and_the_next_call_reconnects(net, autojump_clock):
    closed = []
    failed = []

    async def call():
        with pytest.raises(SendFailed):
            await client.invoke(ADDR, RemotingCommand(11))
        failed.append(1)

    async with RemotingClient(connect=net.connect, on_close=closed.append) as client:
        async with trio.open_nursery() as callers:
            for _ in range(3):
                callers.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            net.server.connections[0].close()
        assert len(failed) == 3
        assert (await client.invoke(ADDR, RemotingCommand(1))).code == 1
        assert [connection.peer for connection in closed] == [ADDR]
    assert len(net.connects) == 2


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


async def test_an_idle_connection_is_closed_and_opened_again(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client:
        await client.invoke(ADDR, RemotingCommand(1))
        await trio.sleep(130)
        assert client.addresses == []
        await client.invoke(ADDR, RemotingCommand(1))
    assert len(net.connects) == 2


class Leaving:
    """A server that sends its first ``count`` connections away, but answers what it has begun."""

    def __init__(self, count):
        self.seen, self.count, self.begun = [], count, []

    def handle(self, connection, request):
        if connection not in self.seen:
            self.seen.append(connection)
        if bytes(request.body) == b"slow":
            self.begun.append((connection, request))
            return None
        if self.seen.index(connection) < self.count:
            return request.create_response(1500, "please go away")
        return echo(connection, request)


async def test_a_request_that_is_sent_away_goes_once_more_over_a_new_connection(
    nursery, autojump_clock
):
    leaving = Leaving(1)
    net = Net(nursery, {1: leaving.handle})
    slow = []

    async def ask_slowly():
        slow.append(await client.invoke(ADDR, RemotingCommand(1, body=b"slow"), 10_000))

    async with RemotingClient(connect=net.connect) as client, trio.open_nursery() as callers:
        callers.start_soon(ask_slowly)
        await trio.sleep(1)
        answers = [await client.invoke(ADDR, RemotingCommand(1, body=b"x")) for _ in range(2)]
        assert [(one.code, bytes(one.body)) for one in answers] == [(1, b"x")] * 2
        assert len(net.connects) == 2
        ((connection, request),) = leaving.begun
        connection.reply(request, request.create_response(0))
        await trio.sleep(1)
        assert [one.code for one in slow] == [0]
    assert client.addresses == []


async def test_a_server_that_sends_away_twice_has_its_answer_told(nursery, autojump_clock):
    net = Net(nursery, {1: Leaving(2).handle})
    async with RemotingClient(connect=net.connect) as client:
        answer = await client.invoke(ADDR, RemotingCommand(1, body=b"x"))
        assert answer.code == 1500
        assert (await client.invoke(ADDR, RemotingCommand(1, body=b"x"))).code == 1
        assert len(net.connects) == 3


async def test_who_shall_not_leave_is_told_what_the_server_says(nursery, autojump_clock):
    net = Net(nursery, {1: Leaving(1).handle})
    async with RemotingClient(connect=net.connect, heeds_go_away=False) as client:
        for _ in range(2):
            assert (await client.invoke(ADDR, RemotingCommand(1, body=b"x"))).code == 1500
        assert len(net.connects) == 1


async def test_what_a_server_that_leaves_never_answers_runs_out_of_time(nursery, autojump_clock):
    net = Net(nursery, {1: Leaving(1).handle})
    failed = []

    async def ask_slowly():
        try:
            await client.invoke(ADDR, RemotingCommand(1, body=b"slow"), 5_000)
        except RemotingTimeout as error:
            failed.append(error)

    async with RemotingClient(connect=net.connect) as client, trio.open_nursery() as callers:
        callers.start_soon(ask_slowly)
        await trio.sleep(1)
        await client.invoke(ADDR, RemotingCommand(1, body=b"x"))
    assert failed


async def test_close_address(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client:
        await client.invoke(ADDR, RemotingCommand(1))
        client.close_address(ADDR)
        await client.invoke(ADDR, RemotingCommand(1))
    assert len(net.connects) == 2


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


class Names(trio.abc.HostnameResolver):
    """A name whose address changes."""

    address = "127.0.0.1"

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.address, int(port)))]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


async def test_a_name_is_looked_up_for_each_connection(nursery):
    names = Names()
    trio.socket.set_custom_hostname_resolver(names)
    first = RemotingServer(HandlerTable(handlers={1: lambda c, r: r.create_response(0, "first")}))
    second = RemotingServer(HandlerTable(handlers={1: lambda c, r: r.create_response(0, "second")}))
    _, port = await nursery.start(first.serve, "127.0.0.1", 0)
    await nursery.start(second.serve, "127.0.0.2", port)
    async with RemotingClient() as client:
        addr = f"broker.example:{port}"
        assert (await client.invoke(addr, RemotingCommand(1))).remark == "first"
        names.address = "127.0.0.2"
        client.close_address(addr)
        assert (await client.invoke(addr, RemotingCommand(1))).remark == "second"
