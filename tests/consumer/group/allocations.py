"""Divisions of queues that Java computed, and more cases to ask it for."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TypedDict

from rmqwire.codec.allocation import (
    AllocateStrategy,
    allocate_averagely,
    allocate_averagely_by_circle,
)
from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.group.allocate import (
    allocate,
    allocate_by_config,
    allocate_by_consistent_hash,
    allocate_by_machine_room,
    allocate_machine_room_nearby,
)

RECORD = Path(__file__).parents[2] / "data" / "java" / "allocations.json"
ROOMS = ("north", "south", "west")


class Case(TypedDict):
    """Who asks, for which queues (``broker/id``), among whom; and what Java gave."""

    strategy: str
    client: str
    queues: list[str]
    clients: list[str]
    part: list[str]


CASES: list[Case] = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else []


def room_of(name: str) -> str:
    return name.split("@", maxsplit=1)[0]


STRATEGIES: dict[str, AllocateStrategy] = {
    "AVG": allocate_averagely,
    "AVG_BY_CIRCLE": allocate_averagely_by_circle,
    "CONFIG": lambda client, queues, clients: allocate_by_config(
        queue for queue in queues if queue.queue_id == 0
    )(client, queues, clients),
    "CONSISTENT_HASH": allocate_by_consistent_hash(),
    "MACHINE_ROOM": allocate_by_machine_room({"north", "south"}),
    "MACHINE_ROOM_NEARBY": allocate_machine_room_nearby(
        allocate_averagely, lambda queue: room_of(queue.broker_name), room_of
    ),
}


def queue_named(text: str) -> MessageQueue:
    broker, _, number = text.rpartition("/")
    return MessageQueue("T", broker, int(number))


def part_of(case: Case) -> list[str]:
    """Return what our strategy gives."""
    queues = map(queue_named, case["queues"])
    part = allocate(STRATEGIES[case["strategy"]], case["client"], queues, case["clients"])
    return [f"{queue.broker_name}/{queue.queue_id}" for queue in part]


def random_case(rng: Random, strategy: str) -> Case:
    """Return a case to ask Java for; its ``part`` is empty."""
    brokers = rng.sample([f"{room}@{name}" for room in ROOMS for name in "ab"] + ["plain"], 4)
    if strategy == "MACHINE_ROOM_NEARBY":
        brokers = [broker for broker in brokers if broker != "plain"]
    queues = [f"{broker}/{number}" for broker in brokers for number in range(rng.randint(1, 5))]
    clients = [f"{rng.choice(ROOMS)}@{rng.randrange(1 << 20)}" for _ in range(rng.randint(1, 7))]
    clients = list(dict.fromkeys(clients))
    rng.shuffle(queues)
    client = rng.choice([*clients, "stranger"]) if rng.random() < 0.9 else clients[0]
    return Case(strategy=strategy, client=client, queues=queues, clients=clients, part=[])
