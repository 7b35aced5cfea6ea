"""The walk over the log: who gets which record, and where it ends."""

from rmqwire.store.recovery.bulk_dispatch import BulkDispatch
from rmqwire.store.recovery.log_scan import LogScan
from tests.support.stores import make_store, message, put, small_config


def filled(count=100):
    store = make_store(config=small_config(mapped_file_size_commit_log=4096))
    store.open()
    put(store, *[message(queue_id=n % 3) for n in range(count)])
    return store


def test_one_by_one():
    store = filled()
    scan = LogScan(store.log.queue, 0, check_crc=True)
    found = list(scan)
    assert [one.queue_offset for one in found] == [n // 3 for n in range(100)]
    assert (scan.end, scan.stopped, scan.records) == (store.log.end, "", 100)
    assert scan.last_record == store.log.last_record
    assert scan.last_store_timestamp == store.log.last_store_timestamp


def test_all_but_the_first_of_a_window_go_in_bulk():
    store, other = filled(), make_store()
    bulk = BulkDispatch(other.queues, check_crc=True)
    scan = LogScan(store.log.queue, 0, check_crc=True, bulk=bulk)
    alone = []
    units = 0
    for found in scan:
        for lane in bulk.take():
            units += len(lane.units)
            other.queues.dispatch(lane.queue, lane.units)
            lane.queue.next_offset = lane.next_offset
        alone.append(found.physical_offset)
        queue = other.queues.recovered(found.topic, found.queue_id)
        other.queues.dispatch(
            queue, store.queues.find("T", found.queue_id).read(queue.max_offset, 1)
        )
        queue.next_offset = queue.max_offset
    units += sum(len(lane.units) for lane in bulk.take())
    assert alone == [segment.start for segment in store.log.queue.segments]
    assert len(alone) == 3
    assert (scan.end, scan.stopped, scan.records) == (store.log.end, "", 100)
    assert scan.last_record == store.log.last_record
    assert units == 20 * (100 - len(alone))


def test_it_ends_before_damage():
    store = filled(10)
    at, size = store.log.last_record
    store.log.queue.write(b"\xff", at + 90)
    other = make_store()
    for bulk in (None, BulkDispatch(other.queues, check_crc=True)):
        scan = LogScan(store.log.queue, 0, check_crc=True, bulk=bulk)
        alone = list(scan)
        assert (len(alone) == 9) == (bulk is None)
        assert (scan.end, scan.records) == (at, 9)
        assert "body CRC" in scan.stopped
        assert scan.last_record == (at - size, size)
