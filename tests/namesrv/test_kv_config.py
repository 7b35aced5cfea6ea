"""The KV table and its file."""

from __future__ import annotations

import pytest

from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.errors import StoreError
from rmqwire.namesrv.kv_config import MAX_LENGTH, KVConfigManager


def manager(path, release=V5_5_0, files=None):
    return KVConfigManager(str(path), files or RealFiles(), release)


def test_values_are_kept(tmp_path):
    path = tmp_path / "namesrv" / "kvConfig.json"
    first = manager(path)
    first.load()
    first.put("ORDER_TOPIC_CONFIG", "t", "a:4;b:4")
    first.put("NS", "k", "v")
    first.put("NS", "k2", "v2")
    first.delete("NS", "k")
    first.delete("NS", "none")
    first.delete("none", "k")
    second = manager(path)
    second.load()
    assert second.table == {"ORDER_TOPIC_CONFIG": {"t": "a:4;b:4"}, "NS": {"k2": "v2"}}
    assert second.get("NS", "k2") == "v2"
    assert second.get("NS", "k") is None
    assert second.namespace_body("NS") == b'{"table":{"k2":"v2"}}'
    assert second.namespace_body("none") is None


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0])
def test_the_file_is_javas(tmp_path, release):
    path = tmp_path / "kvConfig.json"
    manager(path, release).put("NS", "k", "v")
    assert path.read_text() == '{\n\t"configTable":{\n\t\t"NS":{\n\t\t\t"k":"v"\n\t\t}\n\t}\n}'


def test_the_backup_is_read_when_the_file_is_damaged(tmp_path):
    path = tmp_path / "kvConfig.json"
    first = manager(path)
    first.put("NS", "k", "old")
    first.put("NS", "k", "new")
    path.write_text('{"configTable":{"NS":')
    second = manager(path)
    second.load()
    assert second.get("NS", "k") == "old"
    path.with_suffix(".json.bak").write_text("x")
    with pytest.raises(StoreError):
        manager(path).load()


class FullDisk(RealFiles):
    def pwrite(self, handle, data, offset):
        raise OSError(28, "No space left on device")


def test_a_change_the_disk_refuses_did_not_happen(tmp_path):
    path = tmp_path / "kvConfig.json"
    manager(path).put("NS", "k", "v")
    full = manager(path, files=FullDisk())
    full.load()
    for change in (lambda: full.put("NS", "k", "w"), lambda: full.delete("NS", "k")):
        with pytest.raises(StoreError):
            change()
    assert full.get("NS", "k") == "v"
    after = manager(path)
    after.load()
    assert after.get("NS", "k") == "v"


def test_sizes_are_limited(monkeypatch):
    table = manager("")
    with pytest.raises(StoreError):
        table.put("NS", "k", "x" * (MAX_LENGTH + 1))
    monkeypatch.setattr("rmqwire.namesrv.kv_config.MAX_ENTRIES", 1)
    table.put("NS", "k", "1")
    table.put("NS", "k", "2")
    with pytest.raises(StoreError):
        table.put("NS2", "k", "1")
    assert table.table == {"NS": {"k": "2"}}
