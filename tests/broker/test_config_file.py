from __future__ import annotations

import pytest

from rmqwire.broker.config_file import ConfigFile, config_path
from rmqwire.codec import java_json
from rmqwire.errors import BadBody, StoreError
from tests.support.memory_files import MemoryFiles

PATH = "store/config/topics.json"
OLD, NEW, NEWEST = b'{"n":1}', b'{"n":2}', b'{"n":3}'


class Table:
    """Reads what a ConfigFile hands over."""

    def __init__(self, files: MemoryFiles) -> None:
        self.file = ConfigFile(PATH, files)
        self.content: object = None

    def load(self) -> bool:
        return self.file.load(self._decode)

    def _decode(self, data: bytes) -> None:
        self.content = java_json.loads(data)["n"]


def files_with(main: bytes | None, backup: bytes | None) -> MemoryFiles:
    files = MemoryFiles()
    files.makedirs("store/config")
    for path, data in ((PATH, main), (PATH + ".bak", backup)):
        if data is not None:
            files.data[path] = bytearray(data)
    return files


def test_where_tables_are_kept():
    assert config_path("/data/store/", "topics.json") == "/data/store/config/topics.json"


def test_no_file_is_no_table():
    table = Table(files_with(None, None))
    assert table.load() is False
    assert table.content is None


@pytest.mark.parametrize("bad", [b"", b"  \n", b"{", b'{"n":', b"\x00\x00\x00\x00", b"garbage"])
def test_a_damaged_file_gives_way_to_its_backup(bad):
    table = Table(files_with(bad, OLD))
    assert table.load() is True
    assert table.content == 1


def test_a_missing_file_gives_way_to_its_backup():
    table = Table(files_with(None, OLD))
    assert table.load() is True
    assert table.content == 1


@pytest.mark.parametrize(("main", "backup"), [(b"{", b""), (b"", None), (None, b"garbage")])
def test_no_start_from_an_empty_table_when_both_are_bad(main, backup):
    with pytest.raises(StoreError, match="not starting from an empty table"):
        Table(files_with(main, backup)).load()


def test_a_disk_fault_is_not_an_empty_table():
    files = files_with(NEW, None)
    files.fail("pread", PATH)
    with pytest.raises(StoreError, match="can't be read"):
        Table(files).load()


def test_persist_keeps_the_former_table_as_backup():
    files = files_with(OLD, None)
    file = ConfigFile(PATH, files)
    file.persist(NEW)
    assert bytes(files.data[PATH]) == NEW
    assert bytes(files.data[PATH + ".bak"]) == OLD
    assert PATH + ".tmp" not in files.data


def test_persist_makes_the_folder():
    files = MemoryFiles()
    ConfigFile(PATH, files).persist(NEW)
    assert bytes(files.data[PATH]) == NEW


def test_a_damaged_file_never_becomes_the_backup():
    files = files_with(b"garbage", OLD)
    table = Table(files)
    table.load()
    table.file.persist(NEW)
    assert bytes(files.data[PATH]) == NEW
    assert bytes(files.data[PATH + ".bak"]) == OLD
    table.file.persist(NEWEST)
    assert bytes(files.data[PATH + ".bak"]) == NEW


def operations() -> list[str]:
    files = files_with(OLD, OLD)
    files.calls.clear()
    ConfigFile(PATH, files).persist(NEW)
    return [operation for operation, _ in files.calls]


@pytest.mark.parametrize("step", range(len(operations())))
def test_a_fault_at_any_call_leaves_a_whole_table(step):
    """Fail one call of persist after the other: what loads then is the old or the new table."""
    names = operations()
    files = files_with(OLD, OLD)
    files.calls.clear()
    skipped = names[:step].count(names[step])
    original = files._called
    seen = [0]

    def called(operation: str, path: str) -> None:
        if operation == names[step]:
            seen[0] += 1
            if seen[0] == skipped + 1:
                raise OSError(5, "injected", path)
        original(operation, path)

    files._called = called  # type: ignore[method-assign]  # the counted fault
    with pytest.raises(OSError, match="injected"):
        ConfigFile(PATH, files).persist(NEW)
    files._called = original  # type: ignore[method-assign]
    table = Table(files.copy())
    assert table.load() is True
    assert table.content in (1, 2)


def test_decode_errors_are_protocol_errors():
    def decode(data: bytes) -> None:
        raise BadBody("no")

    with pytest.raises(StoreError, match="is damaged"):
        ConfigFile(PATH, files_with(OLD, None)).load(decode)
