"""Any order of sends, ends, checks, restarts and crashes: each commit is seen once, nothing else."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rmqwire.broker.transaction.service import GROUP as SYSTEM_GROUP
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.broker.transaction.support import COMMIT, ROLLBACK, UNKNOWN, Transactions

ENDS = st.sampled_from([COMMIT, ROLLBACK])


class TransactionMachine(RuleBasedStateMachine):
    """A broker beside the list of what was said about each half message first."""

    sent = Bundle("sent")
    checks = Bundle("checks")

    @initialize(release=st.sampled_from([V4_9_7, V5_5_0]))
    def begin(self, release):
        self.folder = tempfile.mkdtemp()
        sizes = {"mapped_file_size_commit_log": 1 << 20, "transaction_check_max": 1000}
        self.tx = Transactions(Path(self.folder), release, **sizes)
        self.said: dict[str, int] = {}
        self.number = 0

    @rule(target=sent, own_time=st.sampled_from(["", "CHECK_IMMUNITY_TIME_IN_SECONDS\x0120\x02"]))
    def send(self, own_time):
        self.number += 1
        key = f"k{self.number}"
        return key, self.tx.send(key, own_time, body=key.encode())

    @rule(what=sent, how=ENDS)
    def end(self, what, how):
        key, answer = what
        reply = self.tx.end(answer, how)
        if reply.code == 0:
            self.said.setdefault(key, how)

    @rule(what=sent)
    def say_unknown(self, what):
        assert self.tx.end(what[1], UNKNOWN) is None

    @rule(target=checks, after_ms=st.sampled_from([0, 7_000, 25_000]))
    def check(self, after_ms):
        asked = self.tx.check(after_ms)
        assert not {check.msg_id for check in asked} & self.said.keys()
        return asked

    @rule(asked=consumes(checks), how=ENDS)
    def answer(self, asked, how):
        for check in asked:
            if self.tx.answer(check, how).code == 0:
                self.said.setdefault(check.msg_id, how)

    @rule(milliseconds=st.sampled_from([1, 3_000]))
    def wait(self, milliseconds):
        self.tx.broker.pass_time(milliseconds)

    @rule()
    def restart(self):
        self.tx.restart()

    @rule()
    def forget_the_newest_offsets(self):
        """Be killed: the table of offsets is an older one, ops that waited are gone."""
        table = self.tx.state.offsets.table
        for name in [name for name in table if name.endswith(SYSTEM_GROUP)]:
            table[name] = {0: table[name][0] // 2}
        self.tx.state.transactions.take_role()
        queue = self.tx.state.transactions.queue
        for half in self.tx.halves()[queue.position :]:
            key = half.body.decode()
            if half.queue_offset not in queue.done and self.said.get(key) == ROLLBACK:
                del self.said[key]  # its op is gone: it is asked about again

    @invariant()
    def what_was_committed_is_seen_once_and_nothing_else(self):
        if not hasattr(self, "tx"):
            return
        committed = sorted(key for key, how in self.said.items() if how == COMMIT)
        assert sorted(body.decode() for body in self.tx.bodies()) == committed

    def teardown(self):
        if hasattr(self, "tx"):
            self.nothing_is_left_when_all_is_answered()
            self.tx.close()
            shutil.rmtree(self.folder)

    def nothing_is_left_when_all_is_answered(self):
        self.tx.broker.pass_time(30_000)
        for check in self.tx.check():
            assert self.tx.answer(check, COMMIT).code == 0
            self.said[check.msg_id] = COMMIT
        self.what_was_committed_is_seen_once_and_nothing_else()
        assert len(self.said) == self.number
        assert self.tx.check(60_000) == []
        queue = self.tx.state.transactions.queue
        assert queue.position == len(self.tx.halves())
        assert self.tx.state.transactions.metrics.counts.get("T", _ZERO).count == 0
        assert queue.op_offset == len(self.tx.ops())


class _ZERO:
    count = 0


def test_any_order_of_events_delivers_each_commit_once():
    run_state_machine_as_test(
        TransactionMachine,
        settings=settings(max_examples=20, print_blob=False, stateful_step_count=20, deadline=None),
    )
