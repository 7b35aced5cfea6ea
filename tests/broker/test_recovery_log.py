"""What the log and the terminal show of a recovery."""

from __future__ import annotations

import logging

from rmqwire.broker.recovery_log import MIB, RecoveryLog, progress_text
from rmqwire.store.events import RecoveryProgress
from rmqwire.store.recovery.recovery import RecoveryReport
from tests.support.stores import Clock


def test_a_line_every_five_seconds_and_the_outcome(caplog):
    caplog.set_level(logging.INFO)
    clock, shown = Clock(0), []
    watch = RecoveryLog(clock, lambda progress, ms: shown.append((progress.done, ms)))
    for seconds in range(1, 13):
        clock.now_ms = seconds * 1000
        watch.progress(RecoveryProgress(seconds * 100 * MIB, 4096 * MIB, seconds * 100_000))
    report = RecoveryReport(False, notes=["T 0 is wrong: it is rebuilt"], read_only="damaged")
    watch.opened(report)
    assert shown[1] == (200 * MIB, 2000)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:2] == [
        "recovering: 500 of at most 4,096 MiB, 500,000 records, 100 MB/s",
        "recovering: 1,000 of at most 4,096 MiB, 1,000,000 records, 100 MB/s",
    ]
    assert lines[2].startswith("store opened in 12.0 s: 1,200 of")
    assert lines[-2:] == [
        "recovery: T 0 is wrong: it is rebuilt",
        "the store is served without writing: damaged",
    ]


def test_a_recovery_of_no_time_has_a_rate_too():
    assert progress_text(RecoveryProgress(0, 0, 0), 0) == "0 of at most 0 MiB, 0 records, 0 MB/s"
