"""The offsets file of a broadcasting consumer: Java's layout and place."""

from pathlib import Path

import pytest

from rmqwire.codec.bodies import MessageQueue, OffsetSerializeWrapper
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.consumer.offsets.local import LocalFileOffsetStore
from rmqwire.errors import StoreError

JAVA = Path(__file__).parents[2] / "data" / "java"
A, B = MessageQueue("T", "a", 0), MessageQueue("T", "a", 1)


def store(folder, release=V5_5_0):
    return LocalFileOffsetStore(str(folder), "10.0.0.1@one", "g", release)


async def opened(folder, release=V5_5_0):
    offsets = store(folder, release)
    await offsets.load()
    return offsets


async def committed(folder, offset, queue=A):
    offsets = await opened(folder)
    offsets.update(queue, offset)
    await offsets.persist(queue)
    return offsets


def test_its_place_is_java_s(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = LocalFileOffsetStore(None, "10.0.0.1@DEFAULT", "g", V5_5_0).path
    assert path == tmp_path / ".rocketmq_offsets" / "10.0.0.1@DEFAULT" / "g" / "offsets.json"


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
async def test_java_s_file_is_read_and_written_as_java_writes_it(tmp_path, release):
    text = (JAVA / f"offsets-{release.name}.json").read_bytes()
    path = store(tmp_path).path
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    offsets = await opened(tmp_path, release)
    table = OffsetSerializeWrapper.decode(text).offset_table
    assert len(table) == 4
    assert offsets.of_topic() == table
    for queue, offset in table.items():
        assert await offsets.read_from_store(queue) == offset
    assert OffsetSerializeWrapper(table).encode(release, pretty=True) == text
    moved = next(iter(table))
    offsets.update(moved, 99)
    await offsets.persist(moved)
    expected = OffsetSerializeWrapper(dict(sorted({**table, moved: 99}.items())))
    assert path.read_bytes() == expected.encode(release, pretty=True)


async def test_a_new_consumer_has_no_offsets(tmp_path):
    offsets = await opened(tmp_path)
    assert await offsets.read_from_store(A) == -1
    await offsets.persist(A)
    await offsets.persist_all({A})
    assert not list(tmp_path.iterdir())


async def test_what_is_stored_is_there_after_a_restart(tmp_path):
    offsets = await opened(tmp_path)
    offsets.update(A, 5)
    offsets.update(B, 7)
    await offsets.persist_all({A})
    after = await opened(tmp_path)
    assert (await after.read_from_store(A), await after.read_from_store(B)) == (5, -1)
    assert after.of_topic() == {A: 5}


async def test_offsets_of_queues_given_up_stay_in_the_file(tmp_path):
    await committed(tmp_path, 5, A)
    offsets = await committed(tmp_path, 7, B)
    offsets.remove(A)
    await offsets.persist_all({B})
    assert (await opened(tmp_path)).of_topic() == {A: 5, B: 7}
    assert await offsets.read_from_store(A) == 5


async def test_an_unchanged_table_is_not_written_again(tmp_path):
    offsets = await committed(tmp_path, 5)
    offsets.path.unlink()
    await offsets.persist_all({A})
    assert not offsets.path.exists()


async def test_the_file_of_before_is_used_when_the_new_one_is_damaged(tmp_path, caplog):
    await committed(tmp_path, 5)
    path = (await committed(tmp_path, 6)).path
    for damage in (b"", b'{\n\t"offsetTable":{{"brokerName"', b"\xff\xfe"):
        path.write_bytes(damage)
        offsets = await opened(tmp_path)
        assert await offsets.read_from_store(A) == 5
    assert "offsets.json.bak is used instead" in caplog.text


async def test_a_damaged_file_does_not_become_the_backup(tmp_path):
    await committed(tmp_path, 5)
    path = (await committed(tmp_path, 6)).path
    path.write_bytes(b"damaged")
    await committed(tmp_path, 9)
    path.write_bytes(b"damaged again")
    assert await (await opened(tmp_path)).read_from_store(A) == 5


@pytest.mark.parametrize("with_backup", [True, False])
async def test_it_does_not_start_from_nothing_when_something_was_there(tmp_path, with_backup):
    offsets = await committed(tmp_path, 5)
    offsets.path.write_bytes(b"x")
    if with_backup:
        offsets.path.with_name("offsets.json.bak").write_bytes(b"y")
    with pytest.raises(StoreError, match="not consuming as if nothing had been"):
        await opened(tmp_path)


async def test_a_crash_between_the_two_renames_loses_nothing(tmp_path):
    offsets = await committed(tmp_path, 5)
    offsets.path.rename(offsets.path.with_name("offsets.json.bak"))
    await committed(tmp_path, 6)
    assert (await opened(tmp_path)).of_topic() == {A: 6}


async def test_a_disk_that_refuses_is_logged_and_tried_again(tmp_path, caplog):
    (tmp_path / "10.0.0.1@one").write_text("a file where a folder should be")
    offsets = await committed(tmp_path, 5)
    assert "offsets are not stored in" in caplog.text
    (tmp_path / "10.0.0.1@one").unlink()
    await offsets.persist_all({A})
    assert await (await opened(tmp_path)).read_from_store(A) == 5
