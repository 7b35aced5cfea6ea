"""The connections of a client's shell: shared, refused, silent, lost, left, and opened again."""

import socket

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.errors import ConnectFailed, RemotingTimeout, SendFailed
from rmqwire.remoting.channel import trio_ms
from rmqwire.remoting.client import RemotingClient, split_address
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.open_requests import Asked
from rmqwire.remoting.server import RemotingServer
from tests.remoting.nets import ADDR, Net, echo


async def test_a_request_that_was_sent_at_once_finds_a_silent_connection_too(net, autojump_clock):
    async with RemotingClient(connect=net.connect) as client:
        await client.invoke(ADDR, RemotingCommand(1))
        request, got = RemotingCommand(11), []
        assert client.invoke_now(
            ADDR,
            request.opaque,
            encode_command(request),
            Asked(got.append, trio_ms() + 250, silence_ms=250),
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
                ADDR, request.opaque, encode_command(request), Asked(got.append, trio_ms() + 5000)
            )
        connection.on_wake = wake
        assert connection.data_to_send() == b""
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(got[0], SendFailed)
        assert "interrupted" in str(got[0])
        await client.invoke(ADDR, RemotingCommand(1))
    assert len(net.connects) == 2


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
