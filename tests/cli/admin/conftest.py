"""A cluster in a thread for the verbs, and a way to call them as a user does."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from threading import Semaphore

import pytest
from click.testing import CliRunner

from rmqwire import ConsumeStatus, blocking
from rmqwire.cli import main
from rmqwire.testing import cluster


@pytest.fixture(scope="package")
def shared():
    with cluster() as made:
        yield made


@pytest.fixture
def rmq(shared, monkeypatch):
    monkeypatch.setenv("NAMESRV_ADDR", shared.namesrv_addr)
    yield shared
    shared.reset()


@pytest.fixture
def broker_addr(rmq):
    """The address of its one broker."""
    return admin("clusterList").splitlines()[1].split()[3]


def admin(*words, code=0, answer=None):
    """Return what a verb prints on stdout; it ends with this exit code."""
    result = CliRunner().invoke(main, ["admin", *words], input=answer)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def answered(monkeypatch, remoting):
    """Let the verbs ask this remoting (``tests.admin.support.Answers``) instead of servers."""

    @asynccontextmanager
    async def client():
        yield remoting

    monkeypatch.setattr("rmqwire.cli.admin.verb.remoting_client", client)


@contextmanager
def reading(rmq, count):
    """A member of the group that has been given so many messages; it commits when it leaves."""
    seen = Semaphore(0)
    consumer = blocking.PushConsumer(
        "readers",
        namesrv_addr=rmq.namesrv_addr,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        consume_message_batch_max_size=1,
    )

    def listener(_):
        seen.release()
        return ConsumeStatus.CONSUME_SUCCESS

    consumer.subscribe("T", "*", listener)
    with consumer:
        for _ in range(count):
            assert seen.acquire(timeout=10)
        yield
