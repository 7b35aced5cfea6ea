"""Seeded faults of the replication, each a small function that patches one: the rows find them all."""

from __future__ import annotations

import trio

from rmqwire.codec.ha import (
    TRANSFER_HEADER_SIZE,
    pack_report,
    pack_transfer,
    unpack_transfer,
)
from rmqwire.errors import ReplicationError, StoreError
from rmqwire.ha import group_transfer, slave_link, slaves
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.slave_client import HaSlave
from rmqwire.ha.slave_link import SlaveLink
from rmqwire.ha.slaves import SlaveConnection, Slaves
from rmqwire.store.log.offset_waits import OffsetWaits
from rmqwire.store.replica.replica_log import ReplicaLog
from rmqwire.store.results import PutStatus
from tests.support.seeded import adding_to, nothing

MUTANTS = []
mutant = adding_to(MUTANTS)


# --- what a master counts --------------------------------------------------------------------------


@mutant
def count_every_report(patch):
    """As Java does."""

    def believe(self, offset):
        if self.position < 0:
            self.position = self._start(offset)
        self.ack = offset

    patch.setattr(SlaveConnection, "_reported", believe)


@mutant
def count_a_report_beyond_the_end(patch):
    def believe(self, offset):
        if self.position < 0:
            self.position = self._start(offset)
        elif offset < self.ack:
            raise ReplicationError("back")
        self.ack = offset

    patch.setattr(SlaveConnection, "_reported", believe)


@mutant
def count_what_was_not_sent(patch):
    reported = SlaveConnection._reported

    def believe(self, offset):
        if self.position >= 0 and offset <= self._log.end:
            self.position = max(self.position, offset)
        reported(self, offset)

    patch.setattr(SlaveConnection, "_reported", believe)


@mutant
def a_report_may_go_back(patch):
    reported = SlaveConnection._reported

    def believe(self, offset):
        if 0 <= offset < self.ack:
            self.ack = offset
        reported(self, offset)

    patch.setattr(SlaveConnection, "_reported", believe)


@mutant
def count_one_replica_twice(patch):
    patch.setattr(Slaves, "counted", lambda self: self.connections)


@mutant
def count_what_has_left(patch):
    """The largest offset that anybody ever reported stands for all replicas."""
    patch.setattr(Slaves, "acked_by", lambda self, _count: self.pushed)


@mutant
def forget_half_a_report(patch):
    receive = SlaveConnection.receive_data

    def forgetful(self, data):
        self._buffer = b""
        return receive(self, data)

    patch.setattr(SlaveConnection, "receive_data", forgetful)


@mutant
def any_byte_is_a_sign_of_life(patch):
    receive = SlaveConnection.receive_data

    def lenient(self, data):
        self.last_report_ms = self._now_ms()
        return receive(self, data)

    patch.setattr(SlaveConnection, "receive_data", lenient)


@mutant
def never_close_silent_slaves(patch):
    patch.setattr(SlaveConnection, "check", nothing)


@mutant
def an_empty_slave_gets_the_first_file(patch):
    start = SlaveConnection._start

    def first(self, offset):
        return self._log.min_offset if offset == 0 else start(self, offset)

    patch.setattr(SlaveConnection, "_start", first)


@mutant
def send_from_what_is_left(patch):
    """A slave asks for what is removed: it gets what follows, as if nothing were missing."""
    start = SlaveConnection._start
    patch.setattr(
        SlaveConnection,
        "_start",
        lambda self, offset: start(self, max(offset, self._log.min_offset)),
    )


@mutant
def no_heartbeats(patch):
    patch.setattr(slaves, "pack_transfer", lambda at, size: _transfer(at, size) if size else b"")


_transfer = pack_transfer


# --- what a master answers -------------------------------------------------------------------------


@mutant
def answer_ok_at_the_timeout(patch):
    class Lenient(OffsetWaits):
        def __init__(self, _status):
            super().__init__(PutStatus.PUT_OK)

    patch.setattr(group_transfer, "OffsetWaits", Lenient)


@mutant
def answer_before_the_slave_has_it(patch):
    patch.setattr(GroupTransfer, "_acked", lambda self: self._slaves.log.end)


@mutant
def wait_for_ever(patch):
    patch.setattr(GroupTransfer, "expire", nothing)


@mutant
def never_look_at_reports(patch):
    patch.setattr(GroupTransfer, "acked", nothing)


@mutant
def a_slave_is_always_near(patch):
    patch.setattr(GroupTransfer, "_slave_is_near", lambda _self, _end: True)


@mutant
def one_byte_less_will_do(patch):
    wait = GroupTransfer._wait

    def generous(self, end, *rest):
        wait(self, end - 1, *rest)

    patch.setattr(GroupTransfer, "_wait", generous)
    report = SlaveLink._report
    patch.setattr(SlaveLink, "_report", lambda self, offset: report(self, max(offset - 1, 0)))


# --- what a slave appends --------------------------------------------------------------------------


@mutant
def skip_the_comparison(patch):
    def trusting(self, offset, body):
        rest = body[max(self._log.received - offset, 0) :]
        self.position = max(self.position, offset + len(body))
        if rest:
            self._pieces.append(rest)

    patch.setattr(SlaveLink, "_compare", trusting)


@mutant
def ask_for_our_own_end(patch):
    """As Java does: nothing is ever compared."""
    patch.setattr(ReplicaLog, "overlap_start", lambda self, _size=0: self.end)


@mutant
def heartbeats_prove_nothing(patch):
    patch.setattr(slave_link, "_SILENT_BEATS", 1 << 30)


@mutant
def forget_half_a_header(patch):
    receive = SlaveLink.receive_data

    def forgetful(self, data):
        receive(self, data)
        if len(self._buffer) < TRANSFER_HEADER_SIZE:
            self._buffer = b""

    patch.setattr(SlaveLink, "receive_data", forgetful)


@mutant
def take_ranges_in_any_order(patch):
    header = SlaveLink._header

    def blind(self, view, pos):
        offset, size = unpack_transfer(view, pos)
        if offset > self.position > 0:
            return self.position, size
        return header(self, view, pos)

    patch.setattr(SlaveLink, "_header", blind)


@mutant
def ranges_of_any_size(patch):
    patch.setattr(slave_link, "MAX_BODY", 1 << 40)


@mutant
def records_are_not_looked_at(patch):
    init = ReplicaLog.__init__

    def unchecked(self, store):
        init(self, store)
        self._bulk._check_crc = False

    patch.setattr(ReplicaLog, "__init__", unchecked)


@mutant
def what_comes_is_not_dispatched(patch):
    patch.setattr(ReplicaLog, "_publish", nothing)


@mutant
def a_full_disk_is_passed_over(patch):
    append = ReplicaLog.append

    def careless(self, *pieces):
        try:
            append(self, *pieces)
        except StoreError:
            self._log.end += sum(map(len, pieces))

    patch.setattr(ReplicaLog, "append", careless)


# --- what a slave reports --------------------------------------------------------------------------


@mutant
def ack_before_append(patch):
    patch.setattr(SlaveLink, "_reportable", lambda self: max(self.position, self._log.received))


@mutant
def ack_what_is_asked_for(patch):
    """A slave that asks for more than it has: the report is its end and what it waits for."""
    header = SlaveLink._header

    def eager(self, view, pos):
        offset, size = header(self, view, pos)
        if size and offset == self.position:
            self._report(offset + size)
        return offset, size

    patch.setattr(SlaveLink, "_header", eager)


@mutant
def ack_one_byte_more(patch):
    patch.setattr(slave_link, "pack_report", lambda offset: pack_report(offset + 1))


@mutant
def ack_before_the_disk(patch):
    def hasty(self):
        return self._log.end if self.verified else self.position

    patch.setattr(SlaveLink, "_reportable", hasty)


@mutant
def report_only_now_and_then(patch):
    patch.setattr(SlaveLink, "_report_progress", nothing)


@mutant
def never_leave_a_silent_master(patch):
    tick = SlaveLink.tick

    def patient(self):
        self.last_read_ms = self._now_ms()
        tick(self)

    patch.setattr(SlaveLink, "tick", patient)


@mutant
def never_connect_again(patch):
    follow = HaSlave._follow

    async def once(self, address):
        await follow(self, address)
        await trio.sleep_forever()

    patch.setattr(HaSlave, "_follow", once)
