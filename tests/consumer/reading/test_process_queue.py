import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.message import StoredMessage
from rmqwire.consumer.reading.process_queue import ProcessQueue


def message(offset, size=10):
    return MessageExt.of(StoredMessage("T", b"x" * size, queue_offset=offset), "a")


class ProcessQueueMachine(RuleBasedStateMachine):
    """Against a plain dict: whatever finishes in whatever order, nothing unfinished is passed."""

    def __init__(self):
        super().__init__()
        self.queue = ProcessQueue()
        self.model = {}
        self.next_offset = 0
        self.committed = -1
        self.pulls = []

    @rule(count=st.integers(0, 5), gap=st.integers(0, 3), size=st.integers(1, 50))
    def pull(self, count, gap, size):
        self.next_offset += gap
        new = [message(self.next_offset + n, size) for n in range(count)]
        self.next_offset += count
        self.queue.put(new)
        self.model.update({m.queue_offset: m for m in new})
        self.pulls.append(new)

    @rule(size=st.integers(1, 50))
    def pull_one_again(self, size):
        if self.model:
            again = message(min(self.model), size)
            self.queue.put([again])
            self.model[again.queue_offset] = again

    @rule(data=st.data())
    def finish_some(self, data):
        was_empty = not self.model
        offsets = data.draw(st.lists(st.sampled_from(sorted(self.model)))) if self.model else []
        done = [self.model[offset] for offset in dict.fromkeys(offsets)]
        for finished in done:
            del self.model[finished.queue_offset]
        commit = self.queue.remove(done)
        if was_empty:
            assert commit == -1
            return
        assert commit == (min(self.model) if self.model else self.queue.offset_max + 1)
        assert commit >= self.committed
        self.committed = commit

    @rule(data=st.data())
    def finish_what_a_pull_brought(self, data):
        if self.pulls:
            done = self.pulls.pop(data.draw(st.integers(0, len(self.pulls) - 1)))
            for finished in done:
                self.model.pop(finished.queue_offset, None)
            self.queue.remove(list(done))

    @rule()
    def look_for_each(self):
        for held in self.model.values():
            assert held in self.queue

    @rule()
    def finish_a_stranger(self):
        before = len(self.queue)
        self.queue.remove([message(10**6)])
        assert len(self.queue) == before

    @invariant()
    def sums_are_right(self):
        assert len(self.queue) == len(self.model)
        assert self.queue.size == sum(len(m.body) for m in self.model.values())
        assert self.queue.lowest == (min(self.model) if self.model else None)
        assert self.queue.highest == (max(self.model) if self.model else None)
        span = max(self.model) - min(self.model) if self.model else 0
        assert self.queue.max_span == span

    def teardown(self):
        self.queue.clear()
        assert (len(self.queue), self.queue.size, self.queue.lowest) == (0, 0, None)


ProcessQueueMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
test_process_queue = ProcessQueueMachine.TestCase


def test_only_the_oldest_message_expires():
    queue = ProcessQueue()
    first, second = message(1), message(2)
    queue.put([first, second])
    assert queue.expired(10**9, 1) is None  # nobody has begun
    second.consume_start_ms = 100
    assert queue.expired(10**9, 1) is None
    first.consume_start_ms = 100
    assert queue.expired(1100, 1000) is None
    assert queue.expired(1101, 1000) is first


def test_drop_tells_the_reader_once():
    queue, told = ProcessQueue(), []
    queue.drop()
    assert queue.dropped
    queue = ProcessQueue()
    queue.on_drop = lambda: told.append(1)
    queue.drop()
    assert told == [1]


@pytest.mark.parametrize("count", [0, 2])
def test_info(count):
    queue = ProcessQueue(wall_ms=7)
    queue.put([message(5 + n, 2**20) for n in range(count)])
    info = queue.info(3)
    assert info.commit_offset == 3
    assert info.cached_msg_count == info.cached_msg_size_in_mi_b == count
    assert (info.cached_msg_min_offset, info.cached_msg_max_offset) == ((5, 6) if count else (0, 0))
    assert info.last_pull_timestamp == 7


# ---- in order


class InOrder(RuleBasedStateMachine):
    """One job of an orderly queue against two lists: what waits, what is under way."""

    def __init__(self):
        super().__init__()
        self.queue = ProcessQueue()
        self.waiting = []
        self.under_way = []
        self.next_offset = 0
        self.consuming = False

    @rule(count=st.integers(1, 5), gap=st.integers(0, 3))
    def pulled(self, count, gap):
        self.next_offset += gap  # a filter skips messages
        messages = [message(self.next_offset + n, n + 1) for n in range(count)]
        self.next_offset += count
        self.queue.put(messages)
        self.waiting += messages

    @rule()
    def begin(self):
        assert self.queue.begin() == (bool(self.waiting) and not self.consuming)
        self.consuming = self.consuming or bool(self.waiting)

    @rule(count=st.integers(1, 4))
    def take(self, count):
        taken = self.queue.take(count)
        assert taken == self.waiting[:count]
        self.under_way += taken
        self.waiting = self.waiting[count:]
        self.consuming = self.consuming and bool(taken)

    @rule()
    def commit(self):
        expected = max((m.queue_offset + 1 for m in self.under_way), default=-1)
        assert self.queue.commit() == expected
        self.under_way = []

    @rule(data=st.data())
    def put_back_the_last(self, data):
        back = self.under_way[data.draw(st.integers(0, len(self.under_way))) :]
        self.queue.put_back(back)
        self.under_way = [m for m in self.under_way if m not in back]
        self.waiting = sorted(back + self.waiting, key=lambda m: m.queue_offset)

    @rule()
    def roll_back(self):
        self.queue.roll_back()
        self.waiting = sorted(self.under_way + self.waiting, key=lambda m: m.queue_offset)
        self.under_way = []

    @invariant()
    def counts_agree(self):
        everything = self.waiting + self.under_way
        assert len(self.queue) == len(everything)
        assert self.queue.size == sum(len(m.body) for m in everything)
        info = self.queue.info(0)
        assert info.cached_msg_count == len(self.waiting)
        assert info.transaction_msg_count == len(self.under_way)
        assert self.queue.lowest == min((m.queue_offset for m in self.waiting), default=None)


InOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_in_order = InOrder.TestCase


def test_a_message_that_is_not_under_way_is_not_put_back():
    queue = ProcessQueue()
    queue.put([message(0), message(1)])
    taken = queue.take(1)
    queue.commit()
    queue.put_back(taken)
    assert [m.queue_offset for m in queue.take(9)] == [1]


def test_a_queue_is_left_in_two_steps():
    ended = []
    queue = ProcessQueue()
    queue.on_drop = lambda: ended.append("reader")
    queue.drop(release=False)
    assert (queue.dropped, queue.released, ended) == (True, False, ["reader"])
    queue.drop()
    assert (queue.dropped, queue.released) == (True, True)


def test_a_queue_that_is_never_empty_keeps_no_finished_offsets():
    queue = ProcessQueue()
    newest = message(0)
    queue.put([newest])
    for offset in range(1, 20_000):
        older, newest = newest, message(offset)
        queue.put([newest])
        queue.remove([older])
    assert len(queue._offsets) + len(queue._pulls) == 1
    assert (queue.lowest, queue.highest) == (19_999, 19_999)


def test_messages_that_come_out_of_order_or_again_are_held_once():
    queue = ProcessQueue()
    queue.put([message(4), message(2)])
    queue.put([])
    queue.put([message(3), message(4)])
    assert (len(queue), queue.size) == (3, len(message(2).body) * 3)
    assert (queue.lowest, queue.highest) == (2, 4)
    assert queue.remove([message(2), message(4)]) == 3
