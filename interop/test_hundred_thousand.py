"""100,000 messages through a group of six, two of them Java's, that are killed, leave and join. ``-m optin -s``.

Half of them are consumed concurrently, half in order, all at a broker of Java's. Seeded: ``SEED=n`` in the
environment chooses another run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from interop.checks import in_turn
from interop.hundred.accounts import explained, reason
from interop.hundred.group import FACES, Group
from interop.hundred.member import ORDERED, SPREAD
from interop.listeners import until
from rmqwire import Message, Producer
from rmqwire.codec.bodies import MessageQueue
from rmqwire.testing import remote_cluster

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin, pytest.mark.timeout(470)]

EACH = 50_000  # messages of each topic
QUEUES = 12
BATCH = 25
LOAD_S = 110.0
PATIENCE_MS = 20_000  # of a send: six members start beside a broker that has just done so
QUIET_S = 120.0  # the lock of a killed member's queue holds for a minute


async def produce(namesrv: str, topic: str) -> None:
    """Send the numbers below EACH, spread over LOAD_S; number n is in the queue n % QUEUES."""
    began = trio.current_time()
    patient = {"send_msg_timeout": PATIENCE_MS}
    async with Producer(f"of_{topic}", namesrv_addr=namesrv, **patient) as producer:
        queues = await producer.fetch_publish_message_queues(topic)
        by_id: dict[int, MessageQueue] = {queue.queue_id: queue for queue in queues}
        batches = [
            range(first, EACH, QUEUES)[i : i + BATCH]
            for i in range(0, EACH // QUEUES + 1, BATCH)
            for first in range(QUEUES)
        ]
        for done, numbers in enumerate(filter(len, batches)):
            messages = [Message(topic, b"%d" % number) for number in numbers]
            await producer.send(messages, queue=by_id[numbers[0] % QUEUES])
            await trio.sleep_until(began + LOAD_S * done / len(batches))


async def trouble(group: Group, rng: random.Random) -> None:
    """Let members go and others come until cancelled."""
    while True:
        await trio.sleep(rng.uniform(5, 10))
        face = await trio.to_thread.run_sync(group.lose_one)
        await trio.sleep(rng.uniform(0.5, 4))
        group.join(face)


@pytest.fixture
def namesrv(java_namesrv: str) -> str:
    with remote_cluster(java_namesrv) as rmq:
        for topic in (SPREAD, ORDERED):
            rmq.create_topic(topic, queues=QUEUES)
    return java_namesrv


@pytest.fixture
def group(namesrv: str, version: str, tmp_path: Path) -> Iterator[Group]:
    seed = int(os.environ.get("SEED", "23"))  # members of each face go, Java's too
    print(f"\nSEED={seed}")
    made = Group(namesrv, version, tmp_path, random.Random(seed))
    for face in FACES:
        made.join(face)
    yield made
    made.end()


async def test_none_is_lost_and_each_duplicate_has_its_reason(namesrv: str, group: Group) -> None:
    began = time.monotonic()

    def numbers() -> Counter[str]:
        seen = {(one["topic"], one["number"]) for one in group.deliveries()}
        return Counter(topic for topic, _ in seen)

    async with trio.open_nursery() as nursery:
        troubles = trio.CancelScope()

        async def in_trouble() -> None:
            with troubles:
                await trouble(group, group.rng)

        await trio.sleep(8)  # all six have joined
        nursery.start_soon(in_trouble)
        async with trio.open_nursery() as producers:
            for topic in (SPREAD, ORDERED):
                producers.start_soon(produce, namesrv, topic)
        troubles.cancel()
    sent_s = time.monotonic() - began
    await until(lambda: numbers() == {SPREAD: EACH, ORDERED: EACH}, "all of them", QUIET_S)
    print(f"sent in {sent_s:.0f} s, all consumed in {time.monotonic() - began:.0f} s")
    print(dict(Counter(one.what for one in group.changes)))
    deliveries = group.deliveries()
    for topic in (SPREAD, ORDERED):
        came = [one for one in deliveries if one["topic"] == topic]
        shares = Counter(one["by"].partition("-")[2] for one in came)
        print(f"{topic}: {len(came)} deliveries of {EACH}, {dict(shares)}")
        print(f"{topic}: again {dict(explained(came, group.changes))}")
        assert {one["number"] for one in came} == set(range(EACH))
        assert all(one["number"] % QUEUES == one["queueId"] for one in came)
        assert set(shares) == set(FACES)
    ordered = [one for one in deliveries if one["topic"] == ORDERED]
    again = in_turn(ordered, partial(reason, changes=group.changes))
    assert all(one["number"] == one["queueOffset"] * QUEUES + one["queueId"] for one in ordered)
    print(f"{ORDERED}: each queue in order, {again} came again")
