"""A cluster in a thread: what a test asks of it, turns and breaks."""

import pytest
import trio

from rmqwire import Message, Producer
from rmqwire.broker_errors import NoPermission, SystemBusy
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import V4_9_7
from rmqwire.errors import ConfigError, RouteNotFound, SendFailed, UsageError
from rmqwire.remoting.client import RemotingClient
from rmqwire.testing import TrioCluster, cluster, remote_cluster, trio_cluster
from tests.testing.support import run, send


@pytest.fixture(scope="module")
def shared():
    with cluster() as made:
        yield made


@pytest.fixture
def rmq(shared):
    yield shared
    shared.reset()


def test_requests_fail_as_often_as_was_said(rmq):
    rmq.create_topic("T", queues=1)

    async def refused(error):
        async with Producer(
            "p", namesrv_addr=rmq.namesrv_addr, retry_times_when_send_failed=0
        ) as p:
            with pytest.raises(error):
                await p.send(Message("T", b"no"))
            await p.send(Message("T", b"yes"))

    rmq.fail_next("SEND_MESSAGE_V2", NoPermission)
    run(refused, NoPermission)
    rmq.fail_next(10, 2)
    run(refused, SystemBusy)
    assert [one.body for one in rmq.messages("T")] == [b"yes", b"yes"]


def test_failures_that_nobody_met_end_with_the_reset(rmq):
    rmq.fail_next("SEND_MESSAGE", "SYSTEM_BUSY", times=100)
    rmq.reset()
    rmq.create_topic("T", queues=1)
    run(send, rmq, Message("T", b"yes"))


def test_a_topic_of_the_system_seems_empty_after_a_reset(rmq):
    async def traced():
        async with Producer("p", namesrv_addr=rmq.namesrv_addr, enable_trace=True) as producer:
            await producer.send(Message("T", b"one"))

    for _ in range(2):
        rmq.create_topic("T", queues=1)
        run(traced)
        assert len(rmq.messages("RMQ_SYS_TRACE_TOPIC")) == 1
        rmq.reset()
        assert rmq.messages("RMQ_SYS_TRACE_TOPIC") == []


@pytest.mark.parametrize(("request_code", "error"), [("SEND", 1), (10, "BUSY"), (12345, 1)])
def test_codes_that_are_none_are_refused(rmq, request_code, error):
    with pytest.raises(UsageError, match="there is no re"):
        rmq.fail_next(request_code, error)


def test_connections_that_were_dropped_are_made_again(rmq):
    rmq.create_topic("T", queues=1)

    async def twice():
        async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
            await producer.send(Message("T", b"one"))
            await trio.to_thread.run_sync(rmq.drop_connections)
            await producer.send(Message("T", b"two"))

    run(twice)
    assert [one.body for one in rmq.messages("T")] == [b"one", b"two"]


def test_a_stopped_broker_takes_nothing_and_has_all_when_it_starts():
    with cluster() as rmq:
        rmq.create_topic("T", queues=1)
        run(send, rmq, Message("T", b"one"))
        rmq.stop()
        rmq.stop()  # already: nothing happens

        async def refused():
            async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
                with pytest.raises((SendFailed, RouteNotFound)):
                    await producer.send(Message("T", b"two"))

        run(refused)
        rmq.start()
        with pytest.raises(UsageError, match="runs already"):
            rmq.start()
        assert [one.body for one in rmq.messages("T")] == [b"one"]


def test_the_messages_of_an_hour_come_in_their_order():
    with cluster(messageDelayLevel="1s 1m 30m 2h") as rmq:
        rmq.create_topic("T", queues=1)
        levels = [4, 2, 3, 1]
        run(send, rmq, *(Message("T", b"%d" % n, delay_time_level=n) for n in levels))
        assert rmq.reusable
        rmq.advance(minutes=31)
        assert not rmq.reusable
        assert [one.body for one in rmq.messages("T")] == [b"1", b"2", b"3"]
        rmq.advance(hours=1, minutes=28)
        assert len(rmq.messages("T")) == 3
        rmq.advance(minutes=2)
        assert [one.body for one in rmq.messages("T")][3:] == [b"4"]


def test_an_older_release_is_one():
    async def version(addr):
        async with RemotingClient() as client:
            asked = RemotingCommand.request(int(RequestCode.GET_BROKER_CLUSTER_INFO))
            return (await client.invoke(addr, asked)).version

    with cluster("4.9.7") as rmq:
        assert run(version, rmq.namesrv_addr) == V4_9_7.mq_version
        rmq.create_topic("T", queues=1)
        run(send, rmq, Message("T", b"one"))
        assert len(rmq.messages("T")) == 1


def test_a_setting_that_cant_be_used_is_refused():
    with pytest.raises(ConfigError, match="deleteWhen=25"), cluster(deleteWhen="25"):
        pass


async def test_an_error_of_the_test_comes_out_as_it_was(autojump_clock):
    with pytest.raises(ZeroDivisionError):
        async with trio_cluster():
            raise ZeroDivisionError


def test_a_cluster_elsewhere_does_what_needs_no_hand_on_it(shared):
    with remote_cluster(shared.namesrv_addr) as rmq:
        rmq.create_topic("Far", queues=1)
        run(send, rmq, Message("Far", b"one"))
        assert len(rmq.messages("Far")) == 1
        assert rmq.reusable
        for hand in (rmq.advance, rmq.drop_connections, rmq.stop, rmq.start, rmq.kill):
            with pytest.raises(UsageError, match="needs an embedded server"):
                hand()
        rmq.reset()
        assert rmq.messages("Far") == []


async def test_a_clock_that_cant_be_turned_says_so():
    async with trio_cluster() as rmq:
        with pytest.raises(UsageError, match="needs a MockClock"):
            await rmq.advance(hours=1)


async def test_in_the_tests_own_loop_an_hour_is_slept_through(autojump_clock):
    async with trio_cluster() as rmq, Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        assert isinstance(rmq, TrioCluster)
        await rmq.create_topic("T", queues=1)
        await producer.send(Message("T", b"later", delay_time_level=17))
        assert await rmq.messages("T") == []
        await rmq.advance(hours=1)
        assert [one.body for one in await rmq.messages("T")] == [b"later"]
