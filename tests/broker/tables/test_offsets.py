from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.broker.tables.offsets import ConsumerOffsetManager
from rmqwire.codec import java_json
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0, Release
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import StoreError
from tests.support.golden import store_archives, store_files
from tests.support.memory_files import MemoryFiles

PATH = "store/config/consumerOffset.json"
NOW = 1_700_000_000_000
ARCHIVES = store_archives()


def manager(
    release: Release = V5_5_0, files: MemoryFiles | None = None, **changes: object
) -> ConsumerOffsetManager:
    config = BrokerConfig(broker_name="gold-a")
    for name, value in changes.items():
        setattr(config, name, value)
    return ConsumerOffsetManager(
        config, release, ConfigFile(PATH, files or MemoryFiles()), lambda: NOW
    )


def with_file(text: bytes, backup: bytes | None = None) -> MemoryFiles:
    files = MemoryFiles()
    files.makedirs("store/config")
    files.put(PATH, text)
    if backup is not None:
        files.put(PATH + ".bak", backup)
    return files


def test_commit_and_query():
    ours = manager()
    assert ours.query("g", "t", 0) == -1
    ours.commit("1.2.3.4:5", "g", "t", 0, 7)
    ours.commit("1.2.3.4:5", "g", "t", 1, 9)
    assert (ours.query("g", "t", 0), ours.query("g", "t", 1)) == (7, 9)
    assert (ours.query("g", "t", 2), ours.query("other", "t", 0)) == (-1, -1)
    assert ours.offsets_of("g", "t") == {0: 7, 1: 9}
    ours.commit("1.2.3.4:5", "g", "t", 0, 3)  # lower: taken, as in Java
    assert ours.query("g", "t", 0) == 3


def test_every_so_many_commits_are_a_version():
    ours = manager(consumer_offset_update_version_step=3)
    for offset in range(7):
        ours.commit("c", "g", "t", 0, offset)
    assert ours.data_version.counter == 2


def test_a_reset_offset_wins_until_it_is_taken():
    ours = manager()
    ours.commit("c", "g", "t", 0, 50)
    ours.assign_reset("g", "t", 0, 10)
    ours.commit("c", "g", "t", 0, 60)  # a client that doesn't know yet
    assert ours.has_offset_reset("g", "t", 0)
    assert ours.query("g", "t", 0) == 10
    assert ours.take_reset("g", "t", 0) == 10
    assert ours.take_reset("g", "t", 0) is None
    assert ours.query("g", "t", 0) == 60
    ours.assign_reset("g", "t", -1, 10)
    ours.assign_reset("", "t", 0, 10)
    assert ours.reset_table == {}


def test_reset_is_not_looked_at_when_switched_off():
    ours = manager(use_server_side_reset_offset=False)
    ours.commit("c", "g", "t", 0, 50)
    ours.reset_table["t@g"] = {0: 1}
    assert ours.query("g", "t", 0) == 50


def test_pull_offsets_fall_back_to_consumed_ones():
    ours = manager()
    ours.commit("c", "g", "t", 0, 5)
    assert ours.query_pull("g", "t", 0) == 5
    ours.commit_pull("g", "t", 0, 8)
    assert ours.query_pull("g", "t", 0) == 8
    assert ours.query("g", "t", 0) == 5


def test_who_consumes_what():
    ours = manager()
    for group, topic in (("g", "t"), ("g", "u"), ("h", "t"), ("h", "%RETRY%h")):
        ours.commit("c", group, topic, 0, 1)
    assert ours.which_topic_by_consumer("g") == {"t", "u"}
    assert ours.which_group_by_topic("t") == {"g", "h"}
    assert ours.group_topic_map() == {"g": ["t", "u"], "h": ["%RETRY%h", "t"]}


def test_clone_and_clean():
    ours = manager()
    ours.commit("c", "g", "t", 0, 4)
    ours.commit("c", "g", "tt", 0, 4)
    ours.clone("g", "copy", "t")
    ours.commit("c", "g", "t", 0, 6)
    assert ours.query("copy", "t", 0) == 4
    ours.clone("nobody", "copy2", "t")
    assert ours.offsets_of("copy2", "t") == {}
    ours.commit_pull("g", "t", 0, 9)
    ours.clean_topic("t")
    assert ours.which_topic_by_consumer("g") == {"tt"}
    assert ours.pull_table == {}
    ours.clean_group("g")
    assert ours.table == {}


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda a: f"{a.parent.parent.name}-{a.name}")
def test_java_files_are_read_and_written_back(archive: Path):
    text = store_files(archive)["config/consumerOffset.json"]
    ours = manager(RELEASES[archive.parent.parent.name], with_file(text))
    assert ours.load() is True
    read = java_json.loads(text)
    assert ours.table == {
        key: {int(queue): offset for queue, offset in offsets.items()}
        for key, offsets in read["offsetTable"].items()
    }
    again = java_json.loads(ours.snapshot()())
    assert again["offsetTable"] == read["offsetTable"]
    assert again.get("dataVersion") == read.get("dataVersion")
    assert set(again) == set(read)


def test_the_text_is_javas():
    ours = manager(V4_9_7)
    ours.commit("c", "g", "t", 0, 12)
    assert ours.snapshot()() == b'{\n\t"offsetTable":{\n\t\t"t@g":{0:12\n\t\t}\n\t}\n}'
    ours = manager(V5_5_0)
    ours.commit("c", "g", "t", 0, 12)
    expected = b'\t"offsetTable":{\n\t\t"t@g":{\n\t\t\t0:12\n\t\t}\n\t},\n\t"pullOffsetTable":{}\n}'
    assert ours.snapshot()().endswith(expected)


def test_nothing_new_is_not_written_again():
    files = MemoryFiles()
    ours = manager(files=files)
    ours.persist()
    first = len(files.calls)
    ours.persist()
    assert len(files.calls) == first
    ours.commit("c", "g", "t", 0, 1)
    ours.persist()
    assert len(files.calls) > first


def test_a_failed_write_is_tried_again():
    files = MemoryFiles()
    ours = manager(files=files)
    files.fail("pwrite")
    with pytest.raises(OSError, match="injected"):
        ours.persist()
    ours.persist()
    assert PATH in files.data


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b'{"offsetTable":[]}',
        b'{"offsetTable":{"t@g":[1]}}',
        b'{"offsetTable":{"t@g":{"x":1}}}',
        b'{"offsetTable":{"t@g":{"0":"y"}}}',
        b'{"offsetTable":{"t@g":{0:1}',
    ],
)
def test_a_damaged_table_gives_way_to_the_backup_or_refuses(text):
    good = b'{"offsetTable":{"t@g":{0:5}}}'
    ours = manager(files=with_file(text, good))
    ours.load()
    assert ours.query("g", "t", 0) == 5
    with pytest.raises(StoreError):
        manager(files=with_file(text)).load()


NAMES = st.sampled_from(["t", "u", "%RETRY%g"])


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(NAMES, NAMES, st.integers(0, 3), st.integers(0, 2**62)), min_size=1, max_size=30
    ),
    st.sampled_from(list(RELEASES.values())),
)
def test_what_was_written_is_read_back(commits, release):
    files = MemoryFiles()
    ours = manager(release, files)
    for group, topic, queue_id, offset in commits:
        ours.commit("c", group, topic, queue_id, offset)
    ours.persist()
    again = manager(release, files)
    again.load()
    assert again.table == ours.table


@pytest.mark.parametrize("number", ["0", '"0"'])
def test_a_masters_offsets_are_read_in_both_spellings_with_how_far_was_pulled(number):
    ours = manager()
    text = (
        f'{{"offsetTable":{{"t@g":{{{number}:12}}}},"pullOffsetTable":{{"t@g":{{{number}:20}}}}}}'
    )
    ours.take_over(text.encode())
    assert ours.query("g", "t", 0) == 12


def test_a_slave_is_not_told_how_far_was_pulled():
    """A slave of 5.5.0 stops taking offsets when it meets that table."""
    ours = manager()
    ours.commit("h", "g", "t", 0, 12)
    ours.commit_pull("g", "t", 0, 20)
    assert "pullOffsetTable" not in ours.wrapper()
    assert b"pullOffsetTable" in ours.snapshot()()
