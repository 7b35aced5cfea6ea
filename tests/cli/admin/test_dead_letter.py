"""Dead letters sent again: once, however often the run is interrupted."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import trio

from rmqwire import Message, Producer, PushConsumer
from rmqwire.admin.admin import Admin
from rmqwire.admin.dead_letter import RESENT, LetterChoice
from rmqwire.cli.admin.dead_letter import resend_dlq
from rmqwire.cli.admin.verb import Call
from rmqwire.cli.runner import FAILED, Outcome
from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.sys_flag import PERM_WRITE
from rmqwire.errors import RemotingTimeout, RouteNotFound, UsageError
from rmqwire.remoting.client import RemotingClient
from rmqwire.testing import trio_cluster
from tests.testing.support import LATER

LETTERS = [("tea", "a", "k1"), ("milk", "b", "k2 k3"), ("x" * 5_000, None, None)]


class Bench:
    """A cluster in this loop with a topic and dead letters of a group of it."""

    def __init__(self, rmq, client, producer):
        self.rmq = rmq
        self.client = client
        self.producer = producer
        self.admin = Admin(client, rmq.namesrv_addr)
        self.call = Call(self.admin, Outcome())

    async def die(self, topic="Orders", group="readers", letters=LETTERS):
        """Let a consumer give messages up."""
        await self.rmq.create_topic(topic, queues=1)
        for body, tags, keys in letters:
            message = Message(
                topic, body.encode(), tags=tags, keys=keys, properties={"kind": "tea"}
            )
            await self.producer.send(message)
        consumer = PushConsumer(
            group,
            namesrv_addr=self.rmq.namesrv_addr,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            max_reconsume_times=0,
        )
        consumer.subscribe(topic, "*", lambda _: LATER)
        async with consumer:
            while len(found := await self.rmq.dlq(group)) < len(letters):  # noqa: ASYNC110
                await trio.sleep(1)
        return found

    async def put_letters(self, group, topic, count):
        """Put dead letters where a broker would put them."""
        await self.rmq.create_topic(topic, queues=2)
        await self.rmq.create_topic(f"%DLQ%{group}", queues=1)
        for n in range(count):
            letter = Message(f"%DLQ%{group}", f"{group} {n}".encode())
            letter.properties["RETRY_TOPIC"] = topic
            await self.producer.send(letter)

    async def resend(self, admin=None, group="readers", **options):
        told = []
        choice = {
            name: options.pop(name)
            for name in ("count", "begin_ms", "end_ms", "key")
            if name in options
        }
        verb = (admin or self.admin).resend_dead_letters
        await verb(group, told.append, choice=LetterChoice(**choice), **options)
        return told

    async def bodies(self, topic="Orders"):
        return sorted(one.body.decode()[:10] for one in await self.rmq.messages(topic))


@pytest.fixture
async def bench(request):
    async with (
        trio_cluster(getattr(request, "param", "5.5.0")) as rmq,
        RemotingClient() as client,
        Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer,
    ):
        yield Bench(rmq, client, producer)


async def run_verb(bench, **options):
    defaults = {"group": "readers", "count": None, "begin_ms": None, "end_ms": None, "key": None}
    await resend_dlq.job(bench.call, **defaults | options)


@pytest.mark.parametrize("bench", ["5.5.0", "4.9.7"], indirect=True)
async def test_dead_letters_go_to_their_topic_as_they_were_sent(autojump_clock, bench, capsys):
    letters = await bench.die()
    assert len(letters) == 3
    await run_verb(bench)
    told = capsys.readouterr()
    assert told.err == "3 RESENT\n"
    assert [line.split()[:3] for line in told.out.splitlines()[1:]] == [
        [one.msg_id, "Orders", "RESENT"] for one in letters
    ]
    messages = await bench.rmq.messages("Orders")
    again = {one.body: one for one in messages if RESENT in one.properties}
    for letter in letters:
        one = again[letter.body]
        assert one.properties[RESENT] == letter.offset_msg_id
        assert (one.msg_id, one.tags, one.keys) == (letter.msg_id, letter.tags, letter.keys)
        assert one.properties["kind"] == "tea"
        assert one.reconsume_times == 0
        assert "RETRY_TOPIC" not in one.properties
    await run_verb(bench)
    told = capsys.readouterr()
    assert told.err == "3 ALREADY_RESENT\n"
    assert len(told.out.splitlines()) == 1
    assert len(await bench.rmq.messages("Orders")) == 6
    assert len(await bench.rmq.dlq("readers")) == 3


async def test_a_letter_that_died_again_is_another_letter(autojump_clock, bench):
    await bench.put_letters("readers", "Orders", 1)
    (first,) = await bench.resend()
    second = Message("%DLQ%readers", b"again")
    (came,) = await bench.rmq.messages("Orders")
    second.properties |= came.properties | {"RETRY_TOPIC": "Orders"}
    await bench.producer.send(second)
    assert [one.outcome for one in await bench.resend()] == ["ALREADY_RESENT", "RESENT"]
    assert {one.msg_id for one in await bench.rmq.messages("Orders")} == {first.letter.msg_id}


async def test_letters_are_chosen_by_count_time_and_key(autojump_clock, bench):
    letters = await bench.die()
    first, *_, last = (one.store_timestamp for one in letters)

    async def chosen(**options):
        found = await bench.resend(dry_run=True, **options)
        assert {one.outcome for one in found} <= {"WOULD_RESEND"}
        return [one.letter.body[:4] for one in found]

    assert await chosen(count=2) == [b"tea", b"milk"]
    assert await chosen(key="k3") == await chosen(key=letters[1].msg_id) == [b"milk"]
    assert await chosen(begin_ms=first, end_ms=last + 1) == [b"tea", b"milk", b"xxxx"]
    assert await chosen(end_ms=first) == await chosen(begin_ms=last + 1) == []
    assert len(await bench.rmq.messages("Orders")) == 3
    assert len(await bench.resend(count=1)) == 1
    assert [one.outcome for one in await bench.resend(count=1)] == ["ALREADY_RESENT", "RESENT"]


async def test_letters_of_a_topic_that_is_gone_or_not_named_are_told(autojump_clock, bench, capsys):
    await bench.put_letters("readers", "Orders", 1)
    await bench.producer.send(Message("%DLQ%readers", b"from nowhere"))
    await bench.admin.delete_topic("Orders")
    bench.call.as_json = True
    await run_verb(bench)
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [(row["origin"], row["outcome"]) for row in rows] == [
        ("Orders", "NO_ORIGIN"),
        (None, "NO_ORIGIN"),
    ]
    assert told.err == "2 NO_ORIGIN\n"
    assert bench.call.outcome.code == FAILED


async def test_letters_that_may_not_be_read_are_made_readable(autojump_clock, bench):
    await bench.put_letters("readers", "Orders", 1)
    (addr,) = await bench.admin.masters()
    closed = TopicConfig("%DLQ%readers", read_queue_nums=1, write_queue_nums=1, perm=PERM_WRITE)
    await bench.admin.update_topic(addr, closed)
    with pytest.raises(UsageError, match="may not be read"):
        await bench.resend(dry_run=True)
    assert [one.outcome for one in await bench.resend()] == ["RESENT"]
    with pytest.raises(RouteNotFound):
        await bench.resend(group="nobody")


class Interrupted:
    """A remoting that is lost at one request: before the server has it, or after, with the answer."""

    def __init__(self, remoting, at, *, after):
        self.remoting, self.left, self.after = remoting, at, after

    async def invoke(self, addr, command, timeout_ms=3000):
        self.left -= 1
        if self.left >= 0:
            return await self.remoting.invoke(addr, command, timeout_ms)
        if self.left == -1 and self.after:
            await self.remoting.invoke(addr, command, timeout_ms)
        raise RemotingTimeout("interrupted", addr)


@pytest.mark.parametrize("after", [False, True])
async def test_an_interrupted_run_loses_nothing_and_sends_nothing_twice(
    autojump_clock, bench, after
):
    for at in range(30):
        group, topic = f"g{at}", f"T{at}"
        await bench.put_letters(group, topic, 2)
        admin = Admin(Interrupted(bench.client, at, after=after), bench.rmq.namesrv_addr)
        finished = False
        with suppress(RemotingTimeout):
            finished = len(await bench.resend(admin, group)) == 2
        await bench.resend(group=group)
        assert await bench.bodies(topic) == [f"{group} 0", f"{group} 1"], at
        if finished:
            break
    assert finished
    assert at > 12


async def test_the_send_of_a_letter_asks_the_topic_first(autojump_clock, bench):
    await bench.put_letters("readers", "Orders", 1)
    asked = []

    class Noting(Interrupted):
        async def invoke(self, addr, command, timeout_ms=3000):
            asked.append(command.code)
            return await super().invoke(addr, command, timeout_ms)

    admin = Admin(Noting(bench.client, 99, after=False), bench.rmq.namesrv_addr)
    await bench.resend(admin)
    sends = [
        code for code in asked if code in {RequestCode.QUERY_MESSAGE, RequestCode.SEND_MESSAGE_V2}
    ]
    assert sends == [RequestCode.QUERY_MESSAGE, RequestCode.SEND_MESSAGE_V2]
