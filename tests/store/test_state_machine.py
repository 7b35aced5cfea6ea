"""The store against a dict: puts, gets, clean and unclean starts in any order."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.store.message_store import GetStatus
from tests.support.stores import Clock, make_store, message, small_config

TOPICS = ("A", "B", "%RETRY%g")
CONFIG = {"mapped_file_size_commit_log": 1024, "mapped_file_size_consume_queue": 100}


class StoreAgainstDict(RuleBasedStateMachine):
    """Every message put is where it was said to be, until the end of time."""

    flush = "ASYNC_FLUSH"

    @initialize(message_index_safe=st.booleans())
    def begin(self, message_index_safe):
        self.config = small_config(
            **CONFIG, flush_disk_type=self.flush, message_index_safe=message_index_safe
        )
        self.clock = Clock()
        self.store = make_store(config=self.config, clock=self.clock)
        self.store.open()
        self.model = {}  # (topic, queue id) -> bodies
        self.places = {}  # physical offset -> body
        self.random = random.Random(7)

    def _flush(self):
        plan = self.store.flushes.log_flush_plan(thorough=True)
        if plan is not None:
            self.store.flushes.run_flush(plan)

    @rule(
        wanted=st.lists(
            st.tuples(st.sampled_from(TOPICS), st.integers(0, 2), st.integers(0, 700)),
            min_size=1,
            max_size=12,
        ),
        step=st.integers(0, 5000),
    )
    def put_a_pass(self, wanted, step):
        self.clock.now_ms += step
        bodies = [self.random.randbytes(size) for _, _, size in wanted]
        results = []
        for (topic, queue_id, _), body in zip(wanted, bodies, strict=True):
            self.store.puts.put(message(topic, queue_id, body), results.append)
        assert results == []
        self.store.puts.end_pass()
        self._flush()
        assert [r.status for r in results] == [0] * len(wanted)
        for (topic, queue_id, _), body, result in zip(wanted, bodies, results, strict=True):
            queue = self.model.setdefault((topic, queue_id), [])
            assert result.queue_offset == len(queue)
            queue.append(body)
            self.places[result.physical_offset] = body

    @rule(
        topic=st.sampled_from(TOPICS), sizes=st.lists(st.integers(0, 400), min_size=1, max_size=5)
    )
    def put_a_batch(self, topic, sizes):
        bodies = [self.random.randbytes(size) for size in sizes]
        results = []
        self.store.puts.put_batch([message(topic, 1, body) for body in bodies], results.append)
        self.store.puts.end_pass()
        self._flush()
        (result,) = results
        queue = self.model.setdefault((topic, 1), [])
        assert (result.status, result.queue_offset, result.count) == (0, len(queue), len(sizes))
        offsets = [int(one[16:], 16) for one in result.message_id.split(",")]
        self.places.update(zip(offsets, bodies, strict=True))
        queue += bodies

    @rule()
    def write_queue_tails(self):
        plan = self.store.flushes.queue_flush_plan(thorough=True)
        plan.run(self.store.files)
        self.store.flushes.queues_flushed(plan, thorough=True)

    @rule()
    def close_and_open(self):
        self.store.close()
        self._reopen(self.store.files, clean=True)

    @rule()
    def kill_and_open(self):
        self._reopen(self.store.files.copy(), clean=False)

    def _reopen(self, files, *, clean):
        self.store = make_store(files, config=self.config, clock=self.clock)
        report = self.store.open()
        assert report.clean == clean
        assert (report.bytes_zeroed, report.units_cut, report.cut_reason) == (0, 0, "")

    @rule(topic=st.sampled_from(TOPICS), queue_id=st.integers(0, 2), count=st.integers(1, 40))
    def read_a_queue(self, topic, queue_id, count):
        expected = self.model.get((topic, queue_id), [])
        offset, found = 0, []
        while offset < len(expected):
            result = self.store.get_message(topic, queue_id, offset, count)
            assert result.status == GetStatus.FOUND
            assert 0 < result.count <= count
            found += [one.body for one in iter_messages(result.body)]
            assert result.next_begin_offset == offset + result.count
            offset = result.next_begin_offset
        assert found == expected

    @invariant()
    def ends_agree(self):
        if not hasattr(self, "model"):
            return
        for (topic, queue_id), bodies in self.model.items():
            assert self.store.max_offset(topic, queue_id) == len(bodies)
            assert self.store.min_offset(topic, queue_id) == 0

    @rule(data=st.data())
    def look_up(self, data):
        if self.places:
            offset = data.draw(st.sampled_from(sorted(self.places)))
            record = self.store.look_message(offset)
            assert record is not None
            assert decode_message(record).body == self.places[offset]

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()


class SyncStoreAgainstDict(StoreAgainstDict):
    flush = "SYNC_FLUSH"


TestAsyncFlush = StoreAgainstDict.TestCase
TestAsyncFlush.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestSyncFlush = SyncStoreAgainstDict.TestCase
TestSyncFlush.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
