"""When a broker registers, and what answers wait for it."""

from __future__ import annotations

from itertools import chain, repeat
from types import SimpleNamespace

import pytest
import trio

from rmqwire.broker.registration import MOST_SINGLE_TOPICS, TOLD_S, Registration
from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.errors import ConfigError


class NameServers:
    """A BrokerOuterAPI that writes down what it is asked; ``down`` ones fail, ``deaf`` ones hang."""

    def __init__(self):
        self.asked = []
        self.down = set()
        self.deaf = set()

    async def register(self, addr, *, force):
        return await self._answer(addr, "all" if force else "if changed")

    async def register_topics(self, addr, topics):
        return await self._answer(addr, list(topics))

    async def unregister(self, addr):
        await self._answer(addr, "leave")

    async def _answer(self, addr, what):
        self.asked.append((addr, what))
        if addr in self.deaf:
            await trio.sleep_forever()
        await trio.sleep(0.01)
        return addr not in self.down

    def take(self):
        asked, self.asked = self.asked, []
        return asked


def state(**settings):
    config = BrokerConfig(namesrv_addr="a:1;b:1")
    for name, value in settings.items():
        setattr(config, name, value)
    return SimpleNamespace(
        config=config,
        store=SimpleNamespace(health=SimpleNamespace(broken=False), read_only_from_start=False),
        replication=SimpleNamespace(client=None),
    )


@pytest.fixture
async def kept(autojump_clock, nursery):
    servers, registration, broker = NameServers(), Registration(), state()
    nursery.start_soon(registration.keep, servers, broker)
    await trio.sleep(1)
    assert sorted(servers.take()) == [("a:1", "all"), ("b:1", "all")]
    return SimpleNamespace(servers=servers, registration=registration, broker=broker)


async def test_everything_is_told_each_period(autojump_clock, kept):
    await trio.sleep(30)
    assert sorted(kept.servers.take()) == [("a:1", "all"), ("b:1", "all")]
    kept.broker.config.force_register = False
    await trio.sleep(30)
    assert sorted(kept.servers.take()) == [("a:1", "if changed"), ("b:1", "if changed")]


async def test_a_new_topic_is_told_alone_before_the_answer(autojump_clock, kept):
    kept.registration.soon(["T"])
    barrier = kept.registration.take_barrier()
    assert kept.registration.take_barrier() is None
    before = trio.current_time()
    await barrier
    assert trio.current_time() - before == pytest.approx(0.01, abs=0.001)
    assert sorted(kept.servers.take()) == [("a:1", ["T"]), ("b:1", ["T"])]


async def test_topics_told_alone_do_not_put_the_registration_off(autojump_clock, kept):
    for n in range(12):
        await trio.sleep(10)
        kept.registration.soon([f"T{n}"])
    await kept.registration.take_barrier()
    told = [what for addr, what in kept.servers.take() if addr == "a:1"]
    assert [what for what in told if what != "all"] == [[f"T{n}"] for n in range(12)]
    assert told.count("all") == 4  # else the name server takes the broker for dead after 120 s


async def test_topics_that_come_while_one_is_told_are_told_together(autojump_clock, kept):
    kept.registration.soon(["T"])
    await trio.sleep(0.001)
    for name in ("U", "V", "U"):
        kept.registration.soon([name])
    await kept.registration.take_barrier()
    assert sorted(kept.servers.take()) == [
        ("a:1", ["T"]), ("a:1", ["U", "V"]), ("b:1", ["T"]), ("b:1", ["U", "V"]),
    ]  # fmt: skip


async def test_a_name_server_that_refuses_a_topic_alone_is_told_everything(autojump_clock, kept):
    kept.servers.down = {"a:1"}
    kept.registration.soon(["T"])
    await kept.registration.take_barrier()
    assert [what for addr, what in kept.servers.take() if addr == "a:1"] == [["T"], "all"]
    kept.servers.down = set()
    await trio.sleep(1.5)
    assert kept.servers.take() == [("a:1", "all")]
    kept.registration.soon(["U"])
    await kept.registration.take_barrier()
    assert sorted(kept.servers.take()) == [("a:1", ["U"]), ("b:1", ["U"])]


async def test_many_topics_at_once_are_told_as_the_whole_table(autojump_clock, kept):
    kept.registration.soon([f"T{n}" for n in range(MOST_SINGLE_TOPICS + 1)])
    await kept.registration.take_barrier()
    assert sorted(kept.servers.take()) == [("a:1", "all"), ("b:1", "all")]


async def test_a_name_server_that_hangs_holds_an_answer_up_for_a_while_only(autojump_clock, kept):
    kept.servers.deaf = {"b:1"}
    kept.registration.soon(["T"])
    before = trio.current_time()
    await kept.registration.take_barrier()
    assert trio.current_time() - before == pytest.approx(TOLD_S)


async def test_a_name_server_that_is_taken_out_holds_up_nobody(autojump_clock, kept):
    kept.servers.deaf = {"b:1"}
    kept.registration.soon(["T"])
    await trio.sleep(0.1)
    kept.registration.soon(["U"])
    barrier = kept.registration.take_barrier()
    kept.broker.config.namesrv_addr = "a:1"
    kept.registration.soon()
    before = trio.current_time()
    await barrier
    assert trio.current_time() - before < 1


async def test_a_broker_whose_store_broke_leaves(autojump_clock, kept):
    kept.broker.store.health.broken = True
    kept.registration.soon()
    await trio.sleep(0.1)
    assert [what for _, what in kept.servers.take()].count("leave") == 2
    await trio.sleep(100)
    assert kept.servers.take() == []


def test_without_name_servers_no_answer_waits():
    registration = Registration()
    registration.soon(["T"])
    assert registration.take_barrier() is None


async def test_name_servers_are_taken_from_an_address_server(autojump_clock, nursery):
    servers, registration, broker = NameServers(), Registration(), state(namesrv_addr=None)
    first = [OSError("down"), "a:1", ConfigError("no address"), "a:1"]
    answers = chain(first, repeat("b:1;c:1"))
    asked = []

    async def fetch(url):
        asked.append((url, round(trio.current_time() - began)))
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    began = trio.current_time()
    nursery.start_soon(registration.keep, servers, broker)
    nursery.start_soon(registration.look_up, broker.config, fetch)
    await trio.sleep(45)
    url = "http://jmenv.tbsite.net:8080/rocketmq/nsaddr"
    assert asked == [(url, 10), (url, 20), (url, 30), (url, 40)]
    assert set(servers.take()) == {("a:1", "all")}
    await trio.sleep(6)
    assert {addr for addr, _ in servers.take()} >= {"b:1", "c:1"}
    await trio.sleep(40)
    assert sorted(servers.take()) == [("b:1", "all"), ("c:1", "all")]
