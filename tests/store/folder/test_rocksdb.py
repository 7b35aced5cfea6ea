from __future__ import annotations

import pytest

from rmqwire.disk.files import RealFiles
from rmqwire.errors import StoreError
from rmqwire.store.folder.rocksdb import refuse_rocksdb

EMPTY = {"CURRENT": b"MANIFEST-000005\n", "LOCK": b"", "000004.log": b"", "LOG": b"some text"}


def make(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config/topics", r"with topics: let Java's `mqadmin rocksDBConfigToJson .* -t topics -e "),
        ("config/subscriptionGroups", r"-e \S*/config/subscriptionGroup\.json"),
        ("config/consumerOffsets", r"-t consumerOffsets -e \S*/config/consumerOffset\.json"),
        ("config/metadata", "topics, groups and offsets"),
        ("config/rdb", "topics, groups and offsets"),
        ("kvStore", "messages that POP consumers have not acknowledged"),
        ("rocksdbstore", "timers, transactions or the index"),
    ],
)
@pytest.mark.parametrize(
    "written", [{"000009.sst": b"x"}, {"000004.log": b"x"}], ids=["sst", "log"]
)
def test_data_in_rocksdb_stops_the_start_and_the_line_says_what_to_do(
    tmp_path, name, said, written
):
    make(tmp_path / name, EMPTY | written)
    with pytest.raises(StoreError, match=said):
        refuse_rocksdb(str(tmp_path), RealFiles())


def test_an_empty_rocksdb_as_every_java_broker_makes_it_stops_nothing(tmp_path):
    make(tmp_path / "rocksdbstore", EMPTY)
    make(tmp_path / "consumequeue", EMPTY | {"000009.sst": b"queues are built from the log"})
    make(tmp_path / "kvStore", {"000009.sst": b"no RocksDB without CURRENT"})
    refuse_rocksdb(str(tmp_path), RealFiles())
    refuse_rocksdb(str(tmp_path / "none"), RealFiles())
