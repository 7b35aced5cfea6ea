from __future__ import annotations

import pytest

from rmqwire.codec import java_json
from rmqwire.disk.table_file import ConfigFile, TableWriter, TableWrites, at_once, config_path
from rmqwire.errors import BadBody, StoreError
from tests.support.memory_files import MemoryFiles

PATH = "store/config/topics.json"
OTHER = PATH + "2"
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
            files.put(path, data)
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
    original = files.called
    seen = [0]

    def called(operation: str, path: str) -> None:
        if operation == names[step]:
            seen[0] += 1
            if seen[0] == skipped + 1:
                raise OSError(5, "injected", path)
        original(operation, path)

    files.called = called  # type: ignore[method-assign]  # the counted fault
    with pytest.raises(OSError, match="injected"):
        ConfigFile(PATH, files).persist(NEW)
    files.called = original  # type: ignore[method-assign]
    table = Table(files.copy())
    assert table.load() is True
    assert table.content in (1, 2)


def test_decode_errors_are_protocol_errors():
    def decode(data: bytes) -> None:
        raise BadBody("no")

    with pytest.raises(StoreError, match="is damaged"):
        ConfigFile(PATH, files_with(OLD, None)).load(decode)


# --- when a table is written -----------------------------------------------------------------------


def writer(files, path=PATH, texts=(OLD, NEW)):
    """A writer of a table that has another text each time it is encoded."""
    following = iter(texts)
    return TableWriter(ConfigFile(path, files), at_once(lambda: next(following)))


def test_a_table_is_written_where_it_changes():
    files = MemoryFiles()
    table = writer(files)
    table.write()
    assert bytes(files.data[PATH]) == OLD
    assert not table.wanted


def test_a_table_is_told_instead_of_written_and_taken_as_it_is_then():
    files, told = MemoryFiles(), []
    requested, timed = writer(files), writer(files, OTHER)
    tables = TableWrites([requested], [timed])
    tables.start(lambda: told.append("request"), lambda: told.append("time"))
    requested.write()
    timed.write()
    assert told == ["request", "time"]
    assert tables.waiting
    assert not files.data
    write = tables.take()
    assert not tables.waiting
    assert not files.data
    write()
    assert (bytes(files.data[PATH]), bytes(files.data[OTHER])) == (OLD, OLD)
    tables.stop()
    requested.write()
    assert told == ["request", "time"]
    assert bytes(files.data[PATH]) == NEW


def test_a_table_that_was_refused_is_wanted_again_and_the_others_are_written():
    files = MemoryFiles()
    first, second = writer(files), writer(files, OTHER)
    tables = TableWrites([first, second], [])
    tables.start(lambda: None, lambda: None)
    first.write()
    second.write()
    files.fail("pwrite")
    with pytest.raises(OSError, match="injected"):
        tables.take()()
    assert (first.wanted, second.wanted) == (True, False)
    assert bytes(files.data[OTHER]) == OLD
    tables.take()()
    assert bytes(files.data[PATH]) == NEW


def test_what_waits_already_does_not_make_others_wait():
    """A heartbeat that changes nothing isn't held up by a topic that somebody else creates."""
    told = []
    table = writer(MemoryFiles())
    TableWrites([table], []).start(lambda: told.append(1), lambda: None)
    table.write()
    with table.together():
        pass
    assert told == [1]
    with table.together():
        table.write()
        table.write()
        assert told == [1]
    assert told == [1, 1]
