"""Seeded faults of the store, each a small function that patches one: the lab must find them all.

Some are mistakes that stores are known to make, some are our own of the past.
"""

from __future__ import annotations

from rmqwire.codec.native import PYTHON, SWITCH
from rmqwire.codec.record import BLANK_MAGIC
from rmqwire.store.folder.file_queue import FileQueue
from rmqwire.store.folder.flush_plan import FlushPlan
from rmqwire.store.folder.folder import StoreFolder
from rmqwire.store.health import StoreHealth
from rmqwire.store.log import commit_log
from rmqwire.store.log.commit_log import CommitLog
from rmqwire.store.log.flush_manager import FlushManager
from rmqwire.store.log.offset_waits import OffsetWaits
from rmqwire.store.log.put_path import PutPath
from rmqwire.store.message_store import MessageStore
from rmqwire.store.queues.consume_queue import ConsumeQueue
from rmqwire.store.recovery import redispatch as dispatch
from rmqwire.store.recovery.bulk_dispatch import BulkDispatch
from rmqwire.store.recovery.damage import DamageCheck
from rmqwire.store.recovery.log_scan import LogScan
from rmqwire.store.recovery.recovery import Recovery
from rmqwire.store.recovery.redispatch import Redispatch
from rmqwire.store.results import PutStatus
from tests.support.seeded import adding_to, nothing

MUTANTS = []
mutant = adding_to(MUTANTS)


# --- answers ---------------------------------------------------------------------------------


@mutant
def ack_before_write(patch):
    put = PutPath.put

    def eager(self, message, done):
        put(self, message, done)
        if self._put and self._put[-1][2] is done:
            end, result, _, wait = self._put[-1]
            done(result)
            self._put[-1] = (end, result, nothing, wait)

    patch.setattr(PutPath, "put", eager)


@mutant
def ack_before_fsync(patch):
    patch.setattr(PutPath, "_wait_for_flush", PutPath._finish)


@mutant
def dispatch_before_flush(patch):
    wait = PutPath._wait_for_flush

    def eager(self, put, brought, touched):
        for some, removals in brought:
            self._queues.dispatch_all(some, removals)
        for queue in touched:
            self._dispatch(queue, bytes(queue.pending))
            queue.pending.clear()
        wait(self, put, [], [])

    patch.setattr(PutPath, "_wait_for_flush", eager)


@mutant
def acknowledge_the_whole_log_after_any_flush(patch):
    flushed = PutPath.flushed
    patch.setattr(
        PutPath, "flushed", lambda self, _offset, stamp: flushed(self, self._log.end, stamp)
    )
    run = FlushPlan.run

    def only_the_first(self, files):
        del self._handles[1:]
        run(self, files)

    patch.setattr(FlushPlan, "run", only_the_first)


@mutant
def queue_offset_one_too_many(patch):
    append = PutPath._append

    def off_by_one(self, entry, message, now):
        offset, size, queue_offset = append(self, entry, message, now)
        return offset, size, queue_offset + 1

    patch.setattr(PutPath, "_append", off_by_one)


@mutant
def timeout_counts_as_stored(patch):
    init = OffsetWaits.__init__
    patch.setattr(OffsetWaits, "__init__", lambda self, _status: init(self, PutStatus.PUT_OK))


# --- flushing --------------------------------------------------------------------------------


@mutant
def retry_a_failed_sync(patch):
    run = FlushPlan.run

    def stubborn(self, files):
        try:
            run(self, files)
        except OSError:
            run(self, files)

    patch.setattr(FlushPlan, "run", stubborn)


@mutant
def write_on_after_a_failed_sync(patch):
    patch.setattr(StoreHealth, "fail", nothing)


@mutant
def sync_only_the_last_file(patch):
    run = FlushPlan.run

    def lazy(self, files):
        del self._handles[:-1]
        run(self, files)

    patch.setattr(FlushPlan, "run", lazy)


@mutant
def sync_nothing(patch):
    def idle(self, files):
        self._handles.clear()

    patch.setattr(FlushPlan, "run", idle)


@mutant
def files_come_unordered(patch):
    init = FileQueue.__init__

    def unordered(self, *args, ordered=False, sparse=False):
        init(self, *args, ordered=False, sparse=sparse)

    patch.setattr(FileQueue, "__init__", unordered)


@mutant
def folders_of_new_queues_not_synced(patch):
    def only_its_own(self):
        self.new_names = False
        return [self.folder]

    patch.setattr(FileQueue, "changed_folders", only_its_own)


@mutant
def checkpoint_before_the_queues_are_synced(patch):
    plan_queues = FlushManager.queue_flush_plan

    def hasty(self, *, thorough):
        plan = plan_queues(self, thorough=thorough)
        self._checkpoint.values.logics_physical_offset = plan.end
        self._checkpoint.values.logics_msg_timestamp = plan.store_timestamp
        self._checkpoint.write(sync=True)
        plan._handles.clear()
        plan._closed.clear()
        plan._changed.clear()
        return plan

    patch.setattr(FlushManager, "queue_flush_plan", hasty)


# --- writing ---------------------------------------------------------------------------------


@mutant
def queue_offsets_not_taken_back(patch):
    fail = PutPath._fail_pass

    def forgetful(self, put, error):
        touched = [(queue, queue.next_offset) for queue in self._touched]
        fail(self, put, error)
        for queue, offset in touched:
            queue.next_offset = offset

    patch.setattr(PutPath, "_fail_pass", forgetful)


@mutant
def failed_pass_leaves_a_hole(patch):
    forget = CommitLog._forget_pass

    def leave(self):
        end = self.append_end
        forget(self)
        self.start_at(end)

    patch.setattr(CommitLog, "_forget_pass", leave)


@mutant
def failed_pass_is_not_zeroed(patch):
    def careless(self):
        flushed = self.flushed
        self.start_at(self.end)
        self.flushed = flushed

    patch.setattr(CommitLog, "_forget_pass", careless)
    patch.setattr(StoreHealth, "fail", nothing)


@mutant
def no_blank_at_a_files_end(patch):
    class Silent:
        size = 8

        @staticmethod
        def pack(left, magic):
            assert magic == BLANK_MAGIC
            return bytes(8)

    patch.setattr(commit_log, "_BLANK", Silent)


# --- recovery --------------------------------------------------------------------------------


@mutant
def no_tail_zeroing(patch):
    patch.setattr(FileQueue, "zero_tail", lambda _self, _offset: 0)


@mutant
def no_crc_at_recovery(patch):
    init = LogScan.__init__

    def blind(self, queue, start, *, check_crc, **more):
        init(self, queue, start, check_crc=False, **more)

    patch.setattr(LogScan, "__init__", blind)


@mutant
def recovery_begins_at_the_last_file(patch):
    patch.setattr(Recovery, "_first_segment", lambda self, clean: self._log.queue.segments[-1])


@mutant
def recovery_rebuilds_no_queue(patch):
    patch.setattr(Redispatch, "take", nothing)
    patch.setattr(Redispatch, "take_lanes", nothing)


@mutant
def recovery_syncs_nothing(patch):
    patch.setattr(Recovery, "_make_durable", nothing)


@mutant
def queues_reach_beyond_the_log(patch):
    patch.setattr(ConsumeQueue, "cut_log_end", lambda _self, _end: 0)


@mutant
def a_queue_without_its_first_file_is_served(patch):
    patch.setattr(Redispatch, "_begins_too_late", lambda _self, _queue, _found: False)
    patch.setattr(Recovery, "_lacks_queues", lambda _self, _found, _report: False)


@mutant
def tags_forgotten_at_recovery(patch):
    patch.setattr(dispatch, "record_tags_code", lambda _found, _levels: 0)
    patch.setattr(BulkDispatch, "_code", lambda *_: 0)
    patch.setenv(SWITCH, PYTHON)  # the native lane has a hash of its own


@mutant
def unclean_stop_taken_for_clean(patch):
    patch.setattr(StoreFolder, "was_closed", lambda _self: True)


@mutant
def cache_after_a_failed_sync_is_believed(patch):
    patch.setattr(CommitLog, "rewrite", nothing)


@mutant
def damage_below_the_mark_is_cut(patch):
    patch.setattr(DamageCheck, "fault", nothing)
    patch.setattr(DamageCheck, "beyond", nothing)


# --- reading ---------------------------------------------------------------------------------


@mutant
def pull_skips_one(patch):
    get = MessageStore.get_message

    def skipping(self, *args, **more):
        result = get(self, *args, **more)
        result.next_begin_offset += result.count > 1
        return result

    patch.setattr(MessageStore, "get_message", skipping)


@mutant
def two_stores_on_one_folder(patch):
    def acquire(self):
        self._files.makedirs(self._root)

    patch.setattr(StoreFolder, "acquire", acquire)
