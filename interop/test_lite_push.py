"""Our consumer of lite topics at two brokers of Java's, and at two of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from interop.lite import LiteSide
from interop.processes import wait_until
from interop.replication import Servers
from interop.wire import broker_addr, route_known
from rmqwire import ConsumeStatus, LitePushConsumer, Message, MessageExt, OffsetOption, Producer
from rmqwire.broker_errors import LiteSubscriptionQuotaExceeded
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.lite_topic import lmq_name
from tests.broker.lite.support import PARENT

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin]
NAMES = [f"customer-{number}" for number in range(12)]
EACH = 10
QUOTA = 40
OK, LATER = ConsumeStatus.CONSUME_SUCCESS, ConsumeStatus.RECONSUME_LATER
SETTINGS = {
    "enableLmq": "true",
    "enableMultiDispatch": "true",
    "maxLiteSubscriptionCount": str(QUOTA),
}


@dataclass
class Two:
    """Two brokers of one kind and their name server."""

    kind: str
    namesrv: str
    sides: dict[str, LiteSide]

    def committed(self, lite_topic: str) -> set[int]:
        """Return how far the group is in a lite topic, as the brokers know it that know it."""
        fields = {"consumerGroup": "gl", "topic": lmq_name(PARENT, lite_topic), "queueId": "0"}
        answers = [side.ask(R.QUERY_CONSUMER_OFFSET, fields) for side in self.sides.values()]
        return {int((one.ext_fields or {})["offset"]) for one in answers if one.code == 0}


@pytest.fixture(params=["java", "rmqwire"])
def two(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Two:
    kind = request.param
    namesrv = servers.namesrv(kind, tmp_path / "namesrv").addr
    sides = {}
    for name in ("lite-a", "lite-b"):
        servers.broker(kind, tmp_path / name, namesrv, SETTINGS | {"brokerName": name})
        sides[name] = LiteSide(broker_addr(namesrv, name))
        sides[name].make()
    wait_until(lambda: route_known(namesrv, PARENT), "the route", 15)
    return Two(kind, namesrv, sides)


class Came:
    """A listener that remembers; it fails what it is told to, once."""

    def __init__(self, *failing: bytes) -> None:
        self.failing = set(failing)
        self.bodies: dict[str, list[bytes]] = {}
        self.times: dict[bytes, int] = {}

    def __call__(self, messages: list[MessageExt]) -> ConsumeStatus:
        for message in messages:
            if message.body in self.failing and message.reconsume_times == 0:
                return LATER
            self.bodies.setdefault(message.lite_topic or "", []).append(message.body)
            self.times[message.body] = message.reconsume_times
        return OK

    async def until(self, count: int, seconds: float = 120) -> None:
        with trio.fail_after(seconds):
            while sum(map(len, self.bodies.values())) < count:  # noqa: ASYNC110
                await trio.sleep(0.1)


@asynccontextmanager
async def consuming(
    two: Two, listener: Came, group: str = "gl", limit: int = -1
) -> AsyncIterator[LitePushConsumer]:
    consumer = LitePushConsumer(
        group,
        PARENT,
        listener,
        namesrv_addr=two.namesrv,
        pop_invisible_time=30_000,
        suspend_lite_topic_time_millis=3_000,
        max_reconsume_times=limit,
    )
    async with consumer:
        yield consumer


async def send(two: Two, *names: str, each: int = EACH) -> None:
    async with Producer("shop", namesrv_addr=two.namesrv) as producer:
        for number in range(each):
            for name in names:
                body = f"{name} {number}".encode()
                await producer.send(Message(PARENT, body, lite_topic=name))


async def test_all_comes_once_and_in_order_from_both_brokers(two: Two) -> None:
    came = Came(b"customer-3 4")
    async with consuming(two, came) as consumer:
        for name in NAMES:
            await consumer.subscribe_lite(name)
        await send(two, *NAMES)
        await came.until(len(NAMES) * EACH)
        await trio.sleep(3)
        await trio.to_thread.run_sync(
            wait_until, lambda: {EACH} == two.committed(NAMES[3]) - {-1, 0}, "the commit", 10
        )
        assert consumer.health.problems == {}
    assert came.bodies == {
        name: [f"{name} {number}".encode() for number in range(EACH)] for name in NAMES
    }
    again = {body for body, times in came.times.items() if times}
    assert again <= {f"customer-3 {number}".encode() for number in range(4, EACH)}
    assert b"customer-3 4" in again
    async with consuming(two, nothing := Came()) as consumer:
        for name in NAMES:
            await consumer.subscribe_lite(name)
        await trio.sleep(3)
        assert nothing.bodies == {}
        await consumer.subscribe_lite(NAMES[0], OffsetOption.of_offset(EACH - 1))
        await nothing.until(1)
        assert nothing.bodies == {NAMES[0]: [f"{NAMES[0]} {EACH - 1}".encode()]}


async def test_an_exclusive_lite_topic_goes_to_the_last_and_a_quota_is_told(two: Two) -> None:
    one, other = Came(), Came()
    async with consuming(two, one, "glx") as first, consuming(two, other, "glx") as second:
        await first.subscribe_lite("e")
        await first.subscribe_lite("f")
        await second.subscribe_lite("e")
        with trio.fail_after(10):
            while first.lite_topics != {"f"}:  # noqa: ASYNC110
                await trio.sleep(0.1)
        await send(two, "e", "f", each=2)
        await one.until(2)
        await other.until(2)
        assert (set(one.bodies), set(other.bodies)) == ({"f"}, {"e"})
        with pytest.raises(LiteSubscriptionQuotaExceeded):
            await subscribe_many(first, 3 * QUOTA)


async def test_a_wildcard_group_has_all_and_buries_what_always_fails(two: Two) -> None:
    if two.kind == "java":
        pytest.skip("Java's broker puts dead letters into their lite topic again")
    came = Came(b"bad 0")
    async with consuming(two, came, "gw", limit=0) as consumer:
        await send(two, "bad", "good", each=2)
        await came.until(3)
        await trio.sleep(5)
        assert consumer.lite_topics == set()
    assert came.bodies == {"bad": [b"bad 1"], "good": [b"good 0", b"good 1"]}
    assert sum(side.end("%DLQ%gw") for side in two.sides.values()) == 1


async def subscribe_many(consumer: LitePushConsumer, number: int) -> None:
    for index in range(number):
        await consumer.subscribe_lite(f"more-{index}")
