"""What hooks see of consumed messages, and the traces that are made of it."""

import pytest
import trio

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.release import V4_9_7
from rmqwire.codec.trace import ReturnType
from rmqwire.consumer.hooks import ConsumeHook, return_type
from rmqwire.consumer.listener import ConsumeOrderlyStatus
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.consumer.pull import PullConsumer
from rmqwire.consumer.push import PushConsumer
from tests.consumer.support import FIRST, LATER, NOW, OK, Seen, consumer, settle, virtual_ms

PROPERTIES = {"MSG_REGION": "here", "UNIQ_KEY": "id", "KEYS": "k1 k2"}


class Watching(ConsumeHook):
    def __init__(self):
        self.calls = []

    def before(self, context):
        self.calls.append(("before", [m.body for m in context.messages], context.status))

    def after(self, context):
        self.calls.append((context.status, context.success, context.return_type.name))


@pytest.mark.parametrize(
    ("orderly", "status", "expected"),
    [
        (False, OK, ("CONSUME_SUCCESS", True, "SUCCESS")),
        (False, LATER, ("RECONSUME_LATER", False, "FAILED")),
        (False, None, ("RECONSUME_LATER", False, "RETURNNULL")),
        (True, ConsumeOrderlyStatus.SUCCESS, ("SUCCESS", True, "SUCCESS")),
        (True, None, ("SUSPEND_CURRENT_QUEUE_A_MOMENT", False, "RETURNNULL")),
    ],
)
async def test_hooks_see_each_call_of_a_listener(
    cluster, autojump_clock, orderly, status, expected
):
    cluster.store("T", b"x")
    hook = Watching()
    async with consumer(
        cluster,
        hooks=[hook],
        consume_from_where=FIRST,
        consume_orderly=orderly,
        suspend_current_queue_time_millis=30_000,
    ) as c:
        c.subscribe("T", "*", lambda messages: status)
        await settle()
    assert hook.calls == [("before", [b"x"], None), expected]


async def test_a_listener_that_raises_and_one_that_is_slow(cluster, autojump_clock):
    cluster.store("T", b"raise")
    cluster.store("T", b"slow", queue_id=1)
    hook = Watching()

    async def listen(messages):
        if messages[0].body == b"raise":
            raise RuntimeError("no")
        await trio.sleep(70)
        return OK

    async with consumer(
        cluster, hooks=[hook], consume_from_where=FIRST, consume_timeout=1, wall_ms=virtual_ms
    ) as c:
        c.subscribe("T", "*", listen)
        await settle(80)
    assert ("RECONSUME_LATER", False, "EXCEPTION") in hook.calls
    assert ("CONSUME_SUCCESS", True, "TIME_OUT") in hook.calls


async def test_hooks_see_what_is_iterated_over_polled_and_pulled(cluster, autojump_clock):
    cluster.store("T", b"x")
    given = [("before", [b"x"], None), ("CONSUME_SUCCESS", True, "SUCCESS")]
    hook = Watching()
    async with consumer(cluster, hooks=[hook], consume_from_where=FIRST) as c:
        c.subscribe("T")
        async for delivery in c:
            delivery.ack()
            break
    assert hook.calls == given
    hook = Watching()
    async with consumer(
        cluster, LitePullConsumer, group="lite", hooks=[hook], consume_from_where=FIRST
    ) as c:
        c.subscribe("T")
        await c.poll()
    assert hook.calls == given
    hook = Watching()
    async with consumer(cluster, PullConsumer, group="hand", hooks=[hook]) as c:
        for queue in sorted(await c.fetch_subscribe_message_queues("T")):
            await c.pull(queue, offset=0)
    assert hook.calls == given


async def test_what_a_hook_raises_is_logged(cluster, autojump_clock, caplog):
    class Raising(ConsumeHook):
        def before(self, context):
            raise RuntimeError("before")

        def after(self, context):
            raise RuntimeError("after")

    cluster.store("T", b"x")
    seen = Seen()
    async with consumer(cluster, hooks=[Raising()], consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [b"x"]
    for words in ("RuntimeError: before", "RuntimeError: after"):
        assert caplog.text.count(words) == 1


async def test_a_call_is_traced_as_java_does(cluster, autojump_clock):
    cluster.add_topic("traces", queue_nums=1)
    cluster.store("T", b"x", properties=PROPERTIES, reconsume_times=2)
    cluster.store("T", b"untraced", properties=PROPERTIES | {"TRACE_ON": "false"})
    cluster.store("T", b"nowhere", properties={"UNIQ_KEY": "other"})

    async def listen(messages):
        await trio.sleep(0.2)
        return LATER if messages[0].body == b"x" else OK

    async with consumer(
        cluster,
        consume_from_where=FIRST,
        enable_trace=True,
        trace_topic="traces",
        wall_ms=virtual_ms,
    ) as c:
        c.subscribe("T", "*", listen)
        await settle(1)
    (message,) = cluster.queues["a", "traces", 0]
    before, after, rest = bytes(message.body).decode().split("\x02")
    assert rest == ""
    request_id = before.split("\x01")[4]
    began = int(before.split("\x01")[1])
    assert NOW <= began < NOW + 1_000
    assert before.split("\x01") == [
        "SubBefore", str(began), "here", "cg", request_id, "id", "2", "k1 k2",
    ]  # fmt: skip
    assert after.split("\x01") == [
        "SubAfter", request_id, "id", "200", "false", "k1 k2", "4", str(began + 200), "cg",
    ]  # fmt: skip
    assert set(message.properties["KEYS"].split()) == {"id", "k1", "k2"}


async def test_4_9_traces_messages_without_a_region(cluster, autojump_clock):
    """Its brokers store none."""
    cluster.add_topic("traces", queue_nums=1)
    cluster.store("T", b"x", properties={"UNIQ_KEY": "id"})
    cluster.store("T", b"untraced", properties={"UNIQ_KEY": "id", "TRACE_ON": "false"})
    async with consumer(
        cluster,
        consume_from_where=FIRST,
        enable_trace=True,
        trace_topic="traces",
        release=V4_9_7,
    ) as c:
        c.subscribe("T", "*", Seen())
        await settle(1)
    (message,) = cluster.queues["a", "traces", 0]
    before, after, _ = bytes(message.body).decode().split("\x02")
    assert before.split("\x01")[2:4] == ["null", "cg"]
    assert after.split("\x01")[0] == "SubAfter"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"status": None, "raised": True, "late": True, "failed": False}, ReturnType.EXCEPTION),
        ({"status": OK, "raised": False, "late": True, "failed": True}, ReturnType.TIME_OUT),
        ({"status": OK, "raised": False, "late": False, "failed": True}, ReturnType.FAILED),
    ],
)
def test_return_types(said, expected):
    assert return_type(said.pop("status"), **said) is expected


class OnlyEven(ConsumeHook):
    """Wants messages whose body is an even number, and is at a loss without one."""

    def wants(self, message):
        return int(message.body) % 2 == 0


@pytest.mark.parametrize("kind", [PushConsumer, LitePullConsumer, PullConsumer])
async def test_what_a_hook_does_not_want_counts_as_consumed(cluster, autojump_clock, kind, caplog):
    for body in (b"1", b"2", b"no number", b"3"):
        cluster.store("T", body)
    settings = {} if kind is PullConsumer else {"consume_from_where": FIRST}
    queue = MessageQueue("T", "a", 0)
    async with consumer(cluster, kind, hooks=[OnlyEven()], **settings) as c:
        if kind is PullConsumer:
            got = [one.body for one in (await c.pull(queue, offset=0)).messages]
        elif kind is LitePullConsumer:
            c.subscribe("T")
            got = [one.body for one in await c.poll()]
        else:
            c.subscribe("T", "*", got := Seen())
            await settle(40)
    assert got == [b"2", b"no number"]
    assert "OnlyEven" in caplog.text
    if kind is PushConsumer:
        assert cluster.offsets["cg", "a", "T", 0] == 4
