"""Where a group begins in a queue it has no offset of."""

from types import SimpleNamespace

import pytest

from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.config import ConsumeFromWhere
from rmqwire.consumer.reading import starting_offset as module

QUEUE = MessageQueue("T", "broker-a", 0)


class Offsets:
    """Answers of a broker, one after the other."""

    def __init__(self, *stored):
        self.stored = list(stored)

    async def read_from_store(self, queue):
        return self.stored.pop(0)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("stored", "end", "begin"),
    [
        pytest.param([7], None, 7, id="what is stored"),
        pytest.param([-1], 0, 0, id="an empty queue"),
        pytest.param([-1, -1], 5, 5, id="a queue whose first message is not in memory"),
        pytest.param([-1, 0], 1, 0, id="a message that came between the two questions"),
    ],
)
async def test_a_new_group_begins_at_the_end(monkeypatch, stored, end, begin):
    async def max_offset(queue):
        return end

    monkeypatch.setattr(module, "QueueAdmin", lambda _: SimpleNamespace(max_offset=max_offset))
    where = ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
    offsets = Offsets(*stored)
    state = SimpleNamespace(
        offsets=offsets, config=SimpleNamespace(consume_from_where=where), instance=None
    )
    assert await module.starting_offset(QUEUE, state) == begin
    assert not offsets.stored
