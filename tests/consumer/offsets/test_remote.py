import pytest

from rmqwire.client.route_table import BrokerAddress
from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.offsets.remote import RemoteBrokerOffsetStore
from rmqwire.consumer.offsets.table import OffsetTable
from rmqwire.errors import BrokerError, ConnectFailed

A, B = MessageQueue("T", "a", 0), MessageQueue("U", "a", 0)


def test_offsets_grow_when_asked_to():
    table = OffsetTable()
    assert table.get(A) == -1
    table.update(A, 5)
    table.update(A, 3, increase_only=True)
    assert table.get(A) == 5
    table.update(A, 7, increase_only=True)
    assert table.get(A) == 7
    table.update(A, 1)
    assert table.get(A) == 1


def test_frozen_offset_stays_until_it_is_removed():
    table = OffsetTable()
    table.update_and_freeze(A, 5)
    table.update(A, 9)
    table.update(A, 9, increase_only=True)
    assert table.get(A) == 5
    table.remove(A)
    assert table.get(A) == -1
    table.update(A, 9)
    assert table.get(A) == 9


def test_by_topic():
    table = OffsetTable()
    table.update(A, 1)
    table.update(B, 2)
    assert table.of_topic() == {A: 1, B: 2}
    assert table.of_topic("T") == {A: 1}


class Api:
    """A broker's answers, behind the instance's door."""

    def __init__(self, answer=5):
        self.answer = answer
        self.commits = []
        self.api = self

    async def broker_addr(self, queue):
        return BrokerAddress("a:1", slave=False)

    async def query_consumer_offset(self, addr, group, queue):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def update_consumer_offset(self, addr, group, queue, offset):
        if isinstance(self.answer, Exception):
            raise self.answer
        self.commits.append((addr, group, queue, offset))


def store(api):
    return RemoteBrokerOffsetStore("g", api)


async def test_read_remembers():
    offsets = store(Api(5))
    assert await offsets.read_from_store(A) == 5
    assert offsets.get(A) == 5


async def test_read_passes_errors_on():
    with pytest.raises(BrokerError):
        await store(Api(BrokerError(1, "no"))).read_from_store(A)


async def test_persist_all_forgets_queues_of_others():
    api = Api()
    offsets = store(api)
    offsets.update(A, 5)
    offsets.update(B, 6)
    await offsets.persist_all({A})
    assert api.commits == [("a:1", "g", A, 5)]
    assert offsets.of_topic() == {A: 5}


async def test_failed_commit_is_logged_and_repeated(caplog):
    api = Api(ConnectFailed("no", "a:1"))
    offsets = store(api)
    offsets.update(A, 5)
    await offsets.persist(A)
    assert "commit of" in caplog.text
    api.answer = 0
    await offsets.persist(A)
    await offsets.persist(B)
    assert api.commits == [("a:1", "g", A, 5)]
