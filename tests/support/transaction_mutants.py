"""Seeded faults of transactions, each a small function that patches one: the lab finds them all."""

from __future__ import annotations

from rmqwire.broker.processors.plain_transactions import Call
from rmqwire.broker.transaction import check, service
from rmqwire.broker.transaction.op_queue import MOVED, OpQueue
from rmqwire.broker.transaction.service import TransactionalMessageService as Service
from tests.support.seeded import adding_to, nothing

MUTANTS = []
mutant = adding_to(MUTANTS)


@mutant
def write_the_op_before_the_message(patch):
    """A crash between the two, and the message is gone."""
    commit = Service.commit

    def eager(self, half, done):
        self.queue.want_op(half.queue_offset)
        self._ops_due_ms = self._mono_ms()
        self.write_ops(early=True)
        self.store.puts.end_pass()
        plan = self.store.flushes.log_flush_plan(thorough=True)
        if plan is not None:
            self.store.flushes.run_flush(plan)
        commit(self, half, done)

    patch.setattr(Service, "commit", eager)


@mutant
def forget_what_was_committed(patch):
    """As Java does: what has no op is asked about and delivered again."""
    patch.setattr(Service, "was_committed", lambda *_: False)


@mutant
def ignore_ops_at_the_start(patch):
    patch.setattr(service, "read_op", lambda _: [])
    patch.setattr(Service, "was_committed", lambda *_: False)


@mutant
def ask_about_every_copy(patch):
    patch.setattr(service, "is_copy", lambda _: False)


@mutant
def go_on_before_the_copy_is_stored(patch):
    """The offset is beyond a half message of which there is no copy yet."""
    act = check.TransactionCheck._act

    def hasty(self, half, verdict):
        self._service.queue.end(half.queue_offset, MOVED)
        self._service.queue.advance()
        self._service.commit_offsets()
        self._service._offsets.persist()
        act(self, half, verdict)

    patch.setattr(check.TransactionCheck, "_act", hasty)


@mutant
def skip_one_half_message(patch):
    advance = OpQueue.advance

    def too_far(self):
        moved = advance(self)
        if moved:
            self._pass(self.position + 1)
        return moved

    patch.setattr(OpQueue, "advance", too_far)


@mutant
def never_write_ops_and_forget(patch):
    patch.setattr(Service, "write_ops", nothing)
    patch.setattr(Service, "was_committed", lambda *_: False)


@mutant
def let_the_lane_end_what_it_did_not_store(patch):
    patch.setattr(Call, "_take_commit", lambda *_: True)
