"""config/transactionMetrics: Java's text, and counts that follow the half queue."""

from __future__ import annotations

import json

import pytest

from rmqwire.codec.release import V4_9_7
from tests.broker.transaction.support import COMMIT, Transactions
from tests.support.golden import GOLDEN, store_files

ARCHIVE = GOLDEN / "5.5.0" / "transactions" / "transactions_clean.tar.gz"


def test_the_text_is_javas(tmp_path):
    java = store_files(ARCHIVE)["config/transactionMetrics"]
    tx = Transactions(tmp_path)
    metrics = tx.state.transactions.metrics
    metrics.decode(java)
    assert metrics.counts["tt"].count == -6
    assert metrics.encode() == java
    tx.close()


def test_counts_are_kept_in_a_file_and_corrected_by_the_queue(tmp_path):
    tx = Transactions(tmp_path)
    for number in range(3):
        tx.send(str(number))
    tx.restart()
    file = tmp_path / "config" / "transactionMetrics"
    written = json.loads(file.read_text())
    assert written["transactionCount"]["T"]["count"] == 3
    assert tx.state.transactions.metrics.counts["T"].count == 3
    written["transactionCount"]["T"]["count"] = -5
    written["transactionCount"]["Gone"] = {"count": 7, "timeStamp": 0}
    tx.close()
    file.write_text(json.dumps(written))
    tx._open()
    counts = tx.state.transactions.metrics.counts
    assert {topic: metric.count for topic, metric in counts.items()} == {"T": 3, "Gone": 0}
    tx.close()


def test_4_9_has_no_such_file(tmp_path):
    tx = Transactions(tmp_path, V4_9_7)
    tx.end(tx.send(), COMMIT)
    tx.close()
    assert not (tmp_path / "config" / "transactionMetrics").exists()


@pytest.mark.parametrize("damage", ["", "{", "\0" * 100])
def test_counts_that_cannot_be_read_stop_no_start(tmp_path, caplog, damage):
    """A Java broker killed while it writes its first file leaves an empty one, without a backup."""
    tx = Transactions(tmp_path)
    tx.send()
    tx.close()
    file = tmp_path / "config" / "transactionMetrics"
    file.write_text(damage)
    (tmp_path / "config" / "transactionMetrics.bak").unlink(missing_ok=True)
    tx._open()
    assert f"{file} is" in caplog.text
    assert "starting without it" in caplog.text
    assert tx.state.transactions.metrics.counts["T"].count == 1
    tx.close()
    assert json.loads(file.read_text())["transactionCount"]["T"]["count"] == 1


def test_a_disk_that_refuses_it_is_logged(tmp_path, monkeypatch, caplog):
    tx = Transactions(tmp_path)
    tx.send()

    def refuse(_):
        raise OSError("no space")

    metrics = tx.state.transactions.metrics
    monkeypatch.setattr(metrics.writer._file, "persist", refuse)
    tx.broker.core.persist_transaction_metrics()
    assert "transactionMetrics not written: no space" in caplog.text
    monkeypatch.undo()
    tx.close()


@pytest.mark.parametrize("file", ["store"])
def test_a_folder_of_javas_with_half_messages_is_taken_over(tmp_path, file):
    """Java's last check moved all of them away; the offsets say so, and nothing is asked again."""
    for path, data in store_files(ARCHIVE).items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    tx = Transactions(
        tmp_path, mapped_file_size_commit_log=1 << 20, mapped_file_size_consume_queue=2000
    )
    queue = tx.state.transactions.queue
    assert (queue.position, queue.op_offset) == (22, 2)
    assert tx.check() == []
    tx.close()
