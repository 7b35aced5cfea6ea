"""A folder in which a Java broker kept its messages in a DLedger log is named as what it is.

The entries are the first three of a log that RocketMQ 4.9.7 wrote.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rmqwire.codec.dledger import HEAD_SIZE, is_dledger_entry
from rmqwire.codec.record import decode_message
from rmqwire.disk.files import RealFiles
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.verify import verify_store
from rmqwire.store.folder.dledger import refuse_dledger
from tests.support.broker import MemoryBroker

DATA = (Path(__file__).parents[2] / "data/java/dledger-4.9.7/data.bin").read_bytes()
SIZE = int.from_bytes(DATA[4:8], "big")  # of the first entry
FIRST = f"{0:020}"


@pytest.fixture
def store(tmp_path):
    """A folder as Java leaves it: no commit log, its consume queues beside the log."""
    make(tmp_path / "dledger-n0" / "data")
    (tmp_path / "dledger-n0" / "index").mkdir()
    (tmp_path / "consumequeue" / "Greetings" / "0").mkdir(parents=True)
    return tmp_path


def make(folder, data=DATA + bytes(1000), name=FIRST):
    folder.mkdir(parents=True)
    (folder / name).write_bytes(data)


def refuse(root):
    refuse_dledger(str(root), str(root / "commitlog"), RealFiles())


def test_an_entry_is_a_head_with_a_record_behind_it():
    position = 0
    for number in range(3):
        assert is_dledger_entry(DATA[position:], position)
        size = int.from_bytes(DATA[position + 4 : position + 8], "big")
        message = decode_message(DATA[position + HEAD_SIZE : position + size])
        assert message.body.startswith(b"hello %d" % number)
        position += size
    assert position == len(DATA)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (DATA[:47], 0),
        (DATA, 1),
        (bytes(48), 0),
        (DATA[HEAD_SIZE:], 0),  # the record alone
        (b"\xff\xff\xff\xff" + DATA[4:], 0),  # the filler of a full file
    ],
)
def test_nothing_else_is_taken_for_one(data, offset):
    assert not is_dledger_entry(data, offset)


def test_a_check_says_what_the_folder_is(store):
    with pytest.raises(StoreError, match=r"dledger-n0/data is a DLedger log of a Java broker"):
        verify_store(store)


def test_an_inspector_says_what_the_files_are(store):
    with pytest.raises(StoreError, match=rf"data/{FIRST} is a DLedger log") as raised:
        list(commit_log_rows(store / "dledger-n0" / "data"))
    assert not isinstance(raised.value, CorruptLog)


def test_a_broker_does_not_start_without_those_messages(store):
    with pytest.raises(
        StoreError, match=r"dledger-n0/data is a DLedger log of .*leave-dledger\.md"
    ):
        MemoryBroker(store)
    assert not (store / "commitlog").exists()


def test_a_log_that_was_copied_to_the_commit_log_is_found_too(tmp_path):
    make(tmp_path / "commitlog")
    with pytest.raises(StoreError, match="commitlog is a DLedger log"):
        refuse(tmp_path)


def test_later_files_are_known_by_their_names(tmp_path):
    start = 1 << 20
    later = DATA[:24] + start.to_bytes(8, "big") + DATA[32:]
    make(tmp_path / "dledger-n1" / "data", later, f"{start:020}")
    with pytest.raises(StoreError, match="dledger-n1/data"):
        refuse(tmp_path)


def test_folders_without_such_messages_stop_nothing(tmp_path):
    refuse(tmp_path / "none")
    make(tmp_path / "dledger-empty" / "data", bytes(1000))
    make(tmp_path / "dledger-odd" / "data", name="notes-of-20-letters!")
    (tmp_path / "dledger-bare").mkdir()
    make(tmp_path / "commitlog", DATA[HEAD_SIZE:SIZE])
    refuse(tmp_path)
