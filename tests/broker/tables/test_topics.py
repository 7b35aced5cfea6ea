from __future__ import annotations

from pathlib import Path

import pytest

from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.broker.tables.topics import TopicConfigManager
from rmqwire.codec import java_json
from rmqwire.codec.bodies import TopicConfig, TopicConfigSerializeWrapper
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0, Release
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import StoreError, UsageError
from tests.support.golden import GOLDEN, frames, store_archives, store_files
from tests.support.memory_files import MemoryFiles

PATH = "store/config/topics.json"
NOW = 1_700_000_000_000
ARCHIVES = store_archives()


def manager(
    release: Release = V5_5_0,
    files: MemoryFiles | None = None,
    changed=lambda _: None,
    **settings: object,
) -> TopicConfigManager:
    config = BrokerConfig(broker_name="gold-a", broker_cluster_name="GoldCluster")
    for name, value in settings.items():
        setattr(config, name, value)
    return TopicConfigManager(
        config, release, ConfigFile(PATH, files or MemoryFiles()), lambda: NOW, changed
    )


# -- system topics ---------------------------------------------------------------------------------


def recorded_table(release: Release) -> dict[str, TopicConfig]:
    """Return the topics of the answer to GET_ALL_TOPIC_CONFIG that Java's broker gave."""
    path = GOLDEN / release.name / "JSON-extra" / "d_exportMetadata.jsonl"
    for entry, frame in frames(path):
        if entry["name"] == "GET_ALL_TOPIC_CONFIG" and entry["kind"] == "response":
            start = 8 + int.from_bytes(frame[5:8], "big")
            return TopicConfigSerializeWrapper.decode(frame[start:], release).topic_config_table
    raise AssertionError("not recorded")


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=["4.9.7", "5.5.0"])
def test_system_topics_are_those_of_a_java_broker(release):
    recorded = recorded_table(release)
    ours = manager(release, default_topic_queue_nums=2)
    created = {name for name in recorded if "goldx" in name}
    if not release.broker.system_topics_5:
        created.add("RMQ_SYS_TRANS_HALF_TOPIC")  # made by 4.9's first transaction check
    assert set(ours.table) == set(recorded) - created
    for name, config in ours.table.items():
        assert config == recorded[name], name


def test_what_is_left_out_when_switched_off():
    ours = manager(auto_create_topic_enable=False, timer_wheel_enable=False)
    assert "TBW102" not in ours.table
    assert "rmq_sys_wheel_timer" not in ours.table
    assert manager(cluster_topic_enable=False).table["GoldCluster"].perm == 1
    assert manager(trace_topic_enable=True).table["RMQ_SYS_TRACE_TOPIC"].write_queue_nums == 1


def test_system_topics_are_known_as_such():
    ours = manager()
    for name in ("TBW102", "gold-a", "GoldCluster_REPLY_TOPIC", "rmq_sys_x", "CHECKPOINT_TOPIC"):
        assert ours.is_system_topic(name), name
    assert not ours.is_system_topic("orders")


# -- creation --------------------------------------------------------------------------------------


def test_a_first_send_creates_the_topic_after_the_default_topic():
    changes: list[int] = []
    ours = manager(changed=lambda _: changes.append(ours.data_version.counter))
    created = ours.create_topic_in_send_message("orders", "TBW102", 4, 2)
    assert created is not None
    assert created == TopicConfig(
        topic_name="orders", read_queue_nums=4, write_queue_nums=4, perm=6, topic_sys_flag=2
    )
    assert changes == [1]
    assert ours.create_topic_in_send_message("orders", "TBW102", 9, 0) is created
    assert changes == [1]


@pytest.mark.parametrize(("wanted", "queues"), [(4, 4), (100, 8), (0, 0), (-5, 0)])
def test_queues_are_the_fewer_of_client_and_default(wanted, queues):
    created = manager().create_topic_in_send_message("t", "TBW102", wanted, 0)
    assert created is not None
    assert (created.read_queue_nums, created.write_queue_nums) == (queues, queues)


def test_no_creation_when_it_is_off():
    ours = manager(auto_create_topic_enable=False)
    assert ours.create_topic_in_send_message("t", "TBW102", 4, 0) is None
    # a TBW102 that an earlier start left in the file isn't inherited either
    ours.table["TBW102"] = TopicConfig(topic_name="TBW102", perm=7)
    assert ours.create_topic_in_send_message("t", "TBW102", 4, 0) is None
    assert ours.table["TBW102"].perm == 6


def test_no_creation_after_a_topic_that_is_not_inherited():
    assert manager().create_topic_in_send_message("t", "BenchmarkTest", 4, 0) is None
    assert manager().create_topic_in_send_message("t", "nowhere", 4, 0) is None


def test_a_retry_topic_is_created_once():
    files = MemoryFiles()
    ours = manager(files=files)
    created = ours.create_topic_in_send_message_back("%RETRY%g", 1, 6, 0)
    assert created.write_queue_nums == 1
    assert ours.create_topic_in_send_message_back("%RETRY%g", 5, 2, 0) is created
    assert b'"%RETRY%g"' in bytes(files.data[PATH])
    assert ours.create_topic_of_tran_check_max_time(1, 6).topic_name == "TRANS_CHECK_MAX_TIME_TOPIC"


# -- changes ---------------------------------------------------------------------------------------


def test_update_and_delete_are_written_and_counted():
    files = MemoryFiles()
    ours = manager(files=files)
    ours.update(TopicConfig(topic_name="orders", attributes={"+message.type": "FIFO"}))
    assert ours.select("orders").attributes == {"message.type": "FIFO"}
    ours.update(TopicConfig(topic_name="orders", attributes={"-message.type": ""}))
    assert ours.select("orders").attributes == {}
    assert ours.data_version.counter == 2
    assert ours.delete("orders") is True
    assert ours.delete("orders") is False
    assert ours.data_version.counter == 3
    again = manager(files=files)
    assert again.load() is True
    assert again.table == ours.table
    assert again.data_version == ours.data_version


def test_a_bad_attribute_changes_nothing():
    ours = manager()
    good = TopicConfig(topic_name="a")
    bad = TopicConfig(topic_name="b", attributes={"+no.such": "x"})
    with pytest.raises(UsageError, match=r"unsupported key: no\.such"):
        ours.update_list([good, bad])
    assert "a" not in ours.table
    assert ours.data_version.counter == 0


# -- the file --------------------------------------------------------------------------------------


def java_table(archive: Path) -> tuple[bytes, Release]:
    return store_files(archive)["config/topics.json"], RELEASES[archive.parent.parent.name]


def files_with(text: bytes) -> MemoryFiles:
    files = MemoryFiles()
    files.makedirs("store/config")
    files.put(PATH, text)
    return files


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda a: f"{a.parent.parent.name}-{a.name}")
def test_java_files_are_read_and_written_back_alike(archive: Path):
    text, release = java_table(archive)
    ours = manager(release, files_with(text))
    ours.load()
    written = java_json.loads(text)
    assert ours.data_version.counter == written["dataVersion"]["counter"]
    stored = TopicConfigSerializeWrapper.decode(text, release).topic_config_table
    assert ours.table.items() >= stored.items()
    again = java_json.loads(ours.snapshot()())
    assert again["dataVersion"] == written["dataVersion"]
    for name, config in written["topicConfigTable"].items():
        assert again["topicConfigTable"][name] == config


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda a: f"{a.parent.parent.name}-{a.name}")
def test_the_same_table_is_the_same_text(archive: Path):
    text, release = java_table(archive)
    ours = manager(release, files_with(text))
    ours.table.clear()
    ours.load()
    assert ours.snapshot()() == text


def test_a_name_that_leaves_the_folder_is_left_out():
    text = b'{"topicConfigTable":{"../x":{"topicName":"../x"},"ok":{"topicName":"../y"}}}'
    ours = manager(files=files_with(text))
    ours.load()
    assert "../x" not in ours.table
    assert ours.table["ok"].topic_name == "ok"


def test_a_host_name_with_dots_may_name_the_broker():
    files = MemoryFiles()
    ours = manager(files=files, broker_name="my.host")
    ours.persist()
    again = manager(files=files, broker_name="my.host")
    again.load()
    assert "my.host" in again.table


def test_garbage_in_both_files_refuses_the_start():
    files = files_with(b'{"topicConfigTable":{"a"')
    files.put(PATH + ".bak", b"[]")
    with pytest.raises(StoreError):
        manager(V4_9_7, files).load()
