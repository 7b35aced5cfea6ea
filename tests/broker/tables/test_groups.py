from __future__ import annotations

from pathlib import Path

import pytest

from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.broker.tables.groups import SYSTEM_GROUPS, SubscriptionGroupManager
from rmqwire.codec import java_json
from rmqwire.codec.bodies import SubscriptionGroupConfig
from rmqwire.codec.release import RELEASES, V5_5_0, Release
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import StoreError, UsageError
from tests.support.golden import store_archives, store_files
from tests.support.memory_files import MemoryFiles

PATH = "store/config/subscriptionGroup.json"
NAME = "config/subscriptionGroup.json"
ARCHIVES = [archive for archive in store_archives() if NAME in store_files(archive)]


def manager(
    release: Release = V5_5_0, files: MemoryFiles | None = None, **settings: object
) -> SubscriptionGroupManager:
    config = BrokerConfig(broker_name="gold-a")
    for name, value in settings.items():
        setattr(config, name, value)
    return SubscriptionGroupManager(
        config,
        release,
        ConfigFile(PATH, files or MemoryFiles()),
        lambda: 1_700_000_000_000,
        lambda _: None,
    )


def with_file(text: bytes) -> MemoryFiles:
    files = MemoryFiles()
    files.makedirs("store/config")
    files.put(PATH, text)
    return files


def test_the_system_groups_are_there():
    assert tuple(manager().table) == SYSTEM_GROUPS
    assert len(SYSTEM_GROUPS) == 8


def test_an_unknown_group_is_created_by_asking_for_it():
    files = MemoryFiles()
    ours = manager(files=files)
    assert ours.select("orders") is None
    created = ours.find("orders")
    assert created == SubscriptionGroupConfig(group_name="orders")
    assert ours.find("orders") is created
    assert ours.data_version.counter == 1
    again = manager(files=files)
    again.load()
    assert again.contains("orders")


@pytest.mark.parametrize("group", ["", "a b", "../x", "x" * 121])
def test_no_group_of_an_illegal_name(group):
    assert manager().find(group) is None


def test_creation_can_be_switched_off():
    ours = manager(auto_create_subscription_group=False)
    assert ours.find("orders") is None
    assert ours.find("CID_RMQ_SYS_x") is not None
    ours = manager(auto_create_subscription_group=False, enable_create_sys_group=False)
    assert ours.find("CID_RMQ_SYS_x") is None


def test_update_delete_and_disable():
    ours = manager()
    ours.update(SubscriptionGroupConfig(group_name="g", retry_max_times=3))
    assert ours.find("g").retry_max_times == 3
    ours.disable_consume("g")
    assert ours.find("g").consume_enable is False
    assert ours.delete("g") is True
    assert ours.delete("g") is False
    with pytest.raises(UsageError, match="unsupported key"):
        ours.update(SubscriptionGroupConfig(group_name="h", attributes={"+x": "1"}))
    assert not ours.contains("h")


def test_forbidden_bits():
    files = MemoryFiles()
    ours = manager(files=files)
    ours.update_forbidden("g", "t", 2, forbid=True)
    assert ours.is_forbidden("g", "t", 2)
    assert not ours.is_forbidden("g", "t", 1)
    again = manager(files=files)
    again.load()
    assert again.forbidden == {"g": {"t": 4}}
    ours.update_forbidden("g", "t", 2, forbid=False)
    assert ours.forbidden == {}
    ours.update_forbidden("g", "t", 2, forbid=True)
    ours.delete("g")
    assert ours.forbidden == {}


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda a: f"{a.parent.parent.name}-{a.name}")
def test_java_files_are_read_and_written_back_byte_for_byte(archive: Path):
    text = store_files(archive)[NAME]
    release = RELEASES[archive.parent.parent.name]
    ours = manager(release, with_file(text))
    ours.table.clear()
    assert ours.load() is True
    assert ours.snapshot()() == text
    groups = java_json.loads(text)["subscriptionGroupTable"]
    assert {name: config.retry_max_times for name, config in ours.table.items()} == {
        name: config["retryMaxTimes"] for name, config in groups.items()
    }


def test_a_bad_name_of_the_file_is_left_out():
    ours = manager(files=with_file(b'{"subscriptionGroupTable":{"a b":{},"ok":{}}}'))
    ours.load()
    assert "a b" not in ours.table
    assert ours.table["ok"].group_name == "ok"


def test_garbage_refuses_the_start():
    with pytest.raises(StoreError):
        manager(files=with_file(b"{")).load()
