"""A broker drained and a topic purged, in a cluster in this loop whose clock jumps."""

from __future__ import annotations

import json

import pytest
import trio

from rmqwire import ConsumeStatus, Message, Producer, PushConsumer
from rmqwire.admin.admin import Admin
from rmqwire.admin.drain import DrainStatus, GroupLag
from rmqwire.cli.admin.drain import drain_broker, purge_topic
from rmqwire.cli.admin.verb import Call
from rmqwire.cli.runner import FAILED, Outcome
from rmqwire.codec.codes import RequestCode
from rmqwire.errors import BadBody, RmqError, RouteNotFound
from rmqwire.remoting.client import RemotingClient
from rmqwire.testing import trio_cluster
from tests.admin.support import Answers, ask
from tests.cli.admin.conftest import admin

OK = ConsumeStatus.CONSUME_SUCCESS
FIRST = {"consume_from_where": "CONSUME_FROM_FIRST_OFFSET"}
BROKER = "127.0.0.1:10911"
both_releases = pytest.mark.parametrize("made", ["5.5.0", "4.9.7"], indirect=True)


class Cluster:
    """A cluster in this loop, an ``Admin`` for it, and the address of its broker."""

    def __init__(self, rmq, client):
        self.rmq = rmq
        self.admin = Admin(client, rmq.namesrv_addr)
        self.call = Call(self.admin, Outcome(), yes=True)

    async def fill(self, topic, count, queues=1, **more):
        await self.rmq.create_topic(topic, queues=queues)
        async with Producer("writers", namesrv_addr=self.rmq.namesrv_addr) as producer:
            for n in range(count):
                await producer.send(Message(topic, f"tea {n}".encode(), **more))

    def consumer(self, group, topic, listener=lambda _: OK, **config):
        made = PushConsumer(group, namesrv_addr=self.rmq.namesrv_addr, **FIRST | config)
        made.subscribe(topic, "*", listener)
        return made

    async def consumed(self, group, topic, count):
        """Let a group consume so many messages of a topic, and commit that."""
        done, seen = trio.Event(), []

        def listener(messages):
            seen.extend(messages)
            if len(seen) >= count:
                done.set()
            return OK

        async with self.consumer(group, topic, listener):
            await done.wait()


@pytest.fixture
async def made(request):
    async with trio_cluster(getattr(request, "param", "5.5.0")) as rmq, RemotingClient() as client:
        yield Cluster(rmq, client)


@pytest.fixture
async def addr(made):
    (found,) = await made.admin.masters()
    return found


async def drain(made, addr, **options):
    defaults = {"undo": False, "ignored": (), "interval": 5.0, "settle": 35.0, "timeout": None}
    await drain_broker.job(made.call, broker_addr=addr, **defaults | options)


async def test_a_broker_can_go_when_its_groups_have_consumed_all(
    autojump_clock, made, addr, capsys
):
    await made.fill("Orders", 2)
    await made.consumed("eaters", "Orders", 2)
    await made.fill("Orders", 3)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain, made, addr)
        await trio.sleep(11)
        before = capsys.readouterr().out.splitlines()
        assert before == [
            f"{addr} is closed to producers, 3 messages are left",
            f"  {'eaters':<32}  {'Orders':<40}  3",
        ]
        with pytest.raises(RmqError):  # refused, or no queue is there to send to
            await made.fill("Orders", 1)
        await made.consumed("eaters", "Orders", 3)
    assert trio.current_time() - began >= 35  # a producer asks for routes every 30 s
    assert capsys.readouterr().out.splitlines() == [f"{addr} is drained: it can go"]
    assert made.call.outcome.code == 0
    await drain(made, addr, undo=True)
    assert capsys.readouterr().out.splitlines() == [
        f"{addr} is open to producers, 0 messages are left"
    ]
    assert (await made.admin.drain_status(addr)).writable


async def test_a_group_may_be_left_out_and_a_time_set(autojump_clock, made, addr, capsys):
    await made.fill("Orders", 1)
    for group in ("eaters", "gone"):
        await made.consumed(group, "Orders", 1)
    await made.fill("Orders", 1)
    await drain(made, addr, ignored=["eaters", "gone"])
    assert made.call.outcome.code == 0
    at = trio.current_time()
    await drain(made, addr, ignored=["eaters"], timeout=12)
    assert trio.current_time() - at == pytest.approx(10, abs=1)
    assert made.call.outcome.code == FAILED
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"{addr} is closed to producers, 1 messages are left",
        f"  {'gone':<32}  {'Orders':<40}  1",
    ]


async def test_delayed_messages_are_waited_for(autojump_clock, made, addr, capsys):
    await made.fill("Orders", 1)
    await made.consumed("eaters", "Orders", 1)
    await made.fill("Orders", 1, delay_time_level=5)  # a minute
    async with made.consumer("eaters", "Orders"):
        at = trio.current_time()
        await drain(made, addr)
        assert trio.current_time() - at > 55
    said = capsys.readouterr().out
    assert f"  {'(delayed)':<74}  1\n" in said
    assert said.endswith("is drained: it can go\n")


async def test_what_no_group_consumes_is_told_and_not_waited_for(
    autojump_clock, made, addr, capsys
):
    await made.fill("Audit", 2)
    await drain(made, addr)
    told = capsys.readouterr()
    assert told.out == f"{addr} is drained: it can go\n"
    assert f"warning: no group has ever consumed Audit: 2 messages go with {addr}\n" in told.err


async def test_a_dry_run_changes_nothing(autojump_clock, made, addr, capsys):
    made.call.dry_run = True
    for undo, verb in ((False, "close"), (True, "open")):
        await drain(made, addr, undo=undo)
        assert f"would {verb} {addr} to producers" in capsys.readouterr().out
    assert (await made.admin.drain_status(addr)).writable


async def test_half_messages_that_nobody_decided_are_waited_for(autojump_clock, made, addr):
    half = Message("Orders", b"half")
    half.properties |= {"TRAN_MSG": "true", "PGROUP": "writers"}
    await made.rmq.create_topic("Orders")
    async with Producer("writers", namesrv_addr=made.rmq.namesrv_addr) as producer:
        await producer.send(half)
    await made.admin.drain_broker(addr)
    status = await made.admin.drain_status(addr)
    assert status.lags == [GroupLag("CID_RMQ_SYS_TRANS", "RMQ_SYS_TRANS_HALF_TOPIC", 1)]
    assert not status.drained


def test_timers_count_and_a_figure_that_is_none_is_an_error():
    assert DrainStatus(BROKER, False, [], 0, 1).left == 1
    bad = Answers(
        {
            (BROKER, RequestCode.GET_BROKER_CONFIG): b"brokerPermission=4\n",
            (BROKER, RequestCode.GET_BROKER_RUNTIME_INFO): b'{"table":{"timerCongestNum":"x"}}',
        }
    )
    with pytest.raises(BadBody, match="timerCongestNum is 'x'"):
        ask(bad, "drain_status", BROKER)


# --- purgeTopic


async def purge(made, topic):
    await purge_topic.job(made.call, topic=topic)


async def left(made, group, topic):
    return sum(one.lag for one in await made.admin.queue_progress(group, topic))


@both_releases
async def test_groups_that_are_not_online_skip_what_a_topic_holds(autojump_clock, made, capsys):
    await made.fill("Orders", 4, queues=2)
    await made.consumed("eaters", "Orders", 4)
    await made.fill("Orders", 4, queues=2)
    assert await left(made, "eaters", "Orders") == 4
    made.call.dry_run = True
    await purge(made, "Orders")
    assert capsys.readouterr().out.startswith(
        "would purge topic Orders: 1 groups skip 4 messages in all\n#Group"
    )
    assert await left(made, "eaters", "Orders") == 4
    made.call.dry_run = False
    await purge(made, "Orders")
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["eaters", "broker-a", "0", "2", "4", "2"],
        ["eaters", "broker-a", "1", "2", "4", "2"],
    ]
    assert await left(made, "eaters", "Orders") == 0
    assert len(await made.rmq.messages("Orders")) == 8  # nothing is removed


@both_releases
async def test_a_group_that_is_online_goes_on_behind_what_it_skips(autojump_clock, made):
    hold, blocked, came = trio.Event(), trio.Event(), trio.Event()

    async def listener(messages):
        if messages[0].tags == "new":
            came.set()
        else:
            blocked.set()
            await hold.wait()
        return OK

    await made.fill("Orders", 1)
    await made.consumed("slow", "Orders", 1)
    async with made.consumer("slow", "Orders", listener, consume_thread_max=1):
        await made.fill("Orders", 5)
        await blocked.wait()
        await purge(made, "Orders")
        hold.set()
        await made.fill("Orders", 1, tags="new")
        await came.wait()
    assert await left(made, "slow", "Orders") == 0


async def test_a_group_that_broadcasts_is_not_reached_and_that_is_said(
    autojump_clock, made, capsys
):
    await made.fill("News", 1)
    news = made.consumer("viewers", "News", message_model="BROADCASTING")
    async with news:
        await trio.sleep(1)
        await purge(made, "News")
    assert made.call.outcome.code == FAILED
    assert "viewers at " in (said := capsys.readouterr().err)
    assert "is not reached: it broadcasts" in said


async def test_a_group_that_was_removed_but_for_its_offsets_is_told(
    autojump_clock, made, addr, capsys
):
    await made.fill("Orders", 2)
    for group in ("eaters", "removed"):
        await made.consumed(group, "Orders", 2)
    await made.fill("Orders", 1)
    await made.admin.delete_sub_group(addr, "removed", remove_offset=False)
    await purge(made, "Orders")
    assert "removed at " in (said := capsys.readouterr().err)
    assert "only its offsets are left" in said
    assert await left(made, "eaters", "Orders") == 0
    assert made.call.outcome.code == FAILED


async def test_a_topic_that_is_not_there_can_not_be_purged(autojump_clock, made):
    with pytest.raises(RouteNotFound, match="Nowhere"):
        await purge(made, "Nowhere")


def test_a_purge_is_asked_for(rmq, broker_addr):
    rmq.create_topic("Orders")
    assert "Say --yes" in admin("purgeTopic", "-t", "Orders", code=2)
    assert admin("purgeTopic", "-t", "Orders", "--json", "--yes") == ""
    shown = admin("drainBroker", "-b", broker_addr, "--dry-run", "--json").splitlines()[-1]
    assert json.loads(shown)["writable"]


@both_releases
async def test_a_group_that_has_no_offset_yet_skips_all(autojump_clock, made, capsys):
    await made.fill("Orders", 3)
    async with made.consumer("fresh", "Orders", consume_from_where="CONSUME_FROM_LAST_OFFSET"):
        await trio.sleep(1)  # it commits every five seconds
        await purge(made, "Orders")
    assert capsys.readouterr().out.splitlines()[1].split()[3:] == ["0", "3", "3"]
    assert await left(made, "fresh", "Orders") == 0
