"""The tasks of a master write ops, check and count by themselves."""

from __future__ import annotations

import pytest
import trio

from rmqwire.broker.role import RoleService
from rmqwire.broker.transaction.check import TransactionCheck
from rmqwire.remoting.client import RemotingClient
from rmqwire.wakeup import Wakeup
from tests.broker.transaction.support import COMMIT, Transactions
from tests.support import broker as support

HOST = "127.0.0.1"


class TrioClock:
    """The time of day as trio's clock has it."""

    def __init__(self):
        self.began = trio.current_time()

    def __call__(self):
        return support.START_MS + int((trio.current_time() - self.began) * 1000)

    ms = property(__call__)


@pytest.fixture
async def made(tmp_path, monkeypatch):
    monkeypatch.setattr(support, "Clock", TrioClock)
    made = []

    def make(**settings):
        made.append(Transactions(tmp_path, bind_address=HOST, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def run(tx, seconds, before=lambda: None):
    """Run the tasks of the role for so long."""
    ops_wanted = Wakeup()
    tx.state.transactions._tell_ops_wanted = ops_wanted
    async with RemotingClient() as client, trio.open_nursery() as nursery:
        tasks = RoleService(
            tx.broker.core, client, tx.broker.clock, Wakeup(), ops_wanted, Wakeup(), any_port=True
        )
        await nursery.start(tasks.run)
        before()
        await trio.sleep(seconds)
        nursery.cancel_scope.cancel()


async def test_ops_are_written_when_they_are_due(autojump_clock, made):
    tx = made()
    await run(tx, 2.9, lambda: tx.end(tx.send(), COMMIT))
    assert tx.ops() == []
    tx.send("K2")
    await run(tx, 3.1, lambda: tx.end(tx.send("K3"), COMMIT))
    assert tx.ops() == [b"2,"]


async def test_a_check_comes_each_interval(autojump_clock, made):
    tx = made(transaction_check_interval=10_000, transaction_check_max=3)
    tx.send()
    await run(tx, 35)
    assert len(tx.asked()) == 3
    assert len(tx.halves()) == 4


async def test_a_disk_that_fails_ends_one_round_not_the_checks(
    autojump_clock, made, monkeypatch, caplog
):
    tx = made(transaction_check_interval=10_000)
    tx.send()
    rounds = []
    step = TransactionCheck.step

    def fail_once(check):
        rounds.append(check)
        if len(rounds) == 1:
            raise OSError("the disk")
        return step(check)

    monkeypatch.setattr(TransactionCheck, "step", fail_once)
    await run(tx, 25)
    assert "transactions not checked" in caplog.text
    assert len(tx.asked()) == 1


async def test_counts_are_written_each_interval(autojump_clock, made, tmp_path):
    tx = made()
    tx.send()
    await run(tx, 11)
    written = (tmp_path / "config" / "transactionMetrics").read_text()
    assert '"T":{"count":1,' in written
