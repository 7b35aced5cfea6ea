"""Any order of sends, pops, acks, changes of time, silence and restarts: acknowledged once or again."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rmqwire.codec.pop import ExtraInfo
from rmqwire.testing.memory_files import MemoryFiles
from tests.broker.pop.support import Consumer, PopBroker, send
from tests.support import requests

MARGIN_MS = 2_500  # an ack so shortly before the end may come too late


class Popping(RuleBasedStateMachine):
    """Two consumers of one group; the model knows what each message may still do."""

    def __init__(self) -> None:
        super().__init__()
        self.files = MemoryFiles()
        self.broker = PopBroker(self.files)
        self.consumer = Consumer(self.broker)
        self.consumer.client.call(requests.create_topic("T", queues=2))
        self.sent = 0
        self.open: set[bytes] = set()  # not acknowledged in time
        self.late: set[bytes] = set()  # acknowledged too late, or just in time
        self.done: set[bytes] = set()  # acknowledged in time: must not come again
        self.doubled: set[bytes] = set()  # its time was changed when it was on its way already
        self.held: dict[bytes, object] = {}  # body -> the message as it was popped last

    def teardown(self) -> None:
        self.drain()
        self.broker.close()

    # --- what happens

    @rule(queue_id=st.integers(0, 1), count=st.integers(1, 4))
    def messages_come(self, queue_id, count):
        for _ in range(count):
            body = b"%d" % self.sent
            send(self.consumer.client, body, queue_id)
            self.open.add(body)
            self.sent += 1

    @rule(count=st.integers(1, 32), invisible_ms=st.sampled_from([3_000, 8_000, 20_000]))
    def somebody_pops(self, count, invisible_ms):
        self.take(self.consumer.pop(max_msg_nums=count, invisible_time=invisible_ms))

    def take(self, messages):
        for message in messages:
            assert message.body not in self.done, "acknowledged in time, and came again"
            self.late.discard(message.body)
            self.open.add(message.body)
            self.held[message.body] = message

    @precondition(lambda self: self.held)
    @rule(data=st.data(), twice=st.booleans())
    def somebody_acknowledges(self, data, twice):
        body = data.draw(st.sampled_from(sorted(self.held)))
        message = self.held[body]
        in_time = self.is_in_time(message) and body not in self.doubled
        for _ in range(1 + twice):
            assert self.consumer.ack(message).code == 0
        self.open.discard(body)
        (self.done if in_time else self.late).add(body)
        del self.held[body]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), invisible_ms=st.sampled_from([1_000, 9_000, 30_000]))
    def somebody_changes_the_time(self, data, invisible_ms):
        body = data.draw(st.sampled_from(sorted(self.held)))
        if not self.is_in_time(self.held[body]):
            self.doubled.add(body)
        assert self.consumer.change(self.held[body], invisible_ms).code == 0

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds):
        self.broker.pass_time(seconds * 1000)

    @rule()
    def the_broker_restarts(self):
        self.broker.turn()
        now = self.broker.clock.ms
        self.broker.close()
        self.broker = PopBroker(self.files, now_ms=now)
        self.consumer = Consumer(self.broker)

    @invariant()
    def nothing_is_both(self):
        assert not self.open & self.done

    # --- the end

    def is_in_time(self, message) -> bool:
        handle = ExtraInfo.decode(message.properties["POP_CK"])
        end = handle.pop_time + handle.invisible_time
        return end - self.broker.clock.ms > MARGIN_MS

    def drain(self) -> None:
        """Everything that is open comes again, and once it's acknowledged nothing is left."""
        for _ in range(12):
            if not self.open:
                break
            self.broker.pass_time(10_000)
            while messages := self.consumer.pop(invisible_time=30_000):
                self.take(messages)
                for message in messages:
                    assert self.consumer.ack(message).code == 0
                    self.open.discard(message.body)
        assert not self.open, "lost"
        self.broker.pass_time(45_000)
        assert {message.body for message in self.consumer.pop()} <= self.late | self.doubled


Popping.TestCase.settings = settings(max_examples=10, stateful_step_count=18, deadline=None)
TestPopping = Popping.TestCase
