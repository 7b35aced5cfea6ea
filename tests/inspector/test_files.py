from __future__ import annotations

import pytest

from rmqwire.errors import StoreError
from rmqwire.inspector.files import open_file, read_file, segments
from rmqwire.inspector.text import local_time, printable


def test_the_files_of_a_log_are_found_in_order(tmp_path):
    for start in (2048, 0, 1024):
        (tmp_path / f"{start:020}").write_bytes(bytes(1024))
    (tmp_path / "notes").write_text("x")
    found = segments(tmp_path)
    assert [(s.start, s.end, s.named) for s in found] == [
        (0, 1024, True),
        (1024, 2048, True),
        (2048, 3072, True),
    ]
    assert segments(tmp_path / "notes")[0].named is False


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="nothing: no such file or folder"):
        segments(tmp_path / "nothing")
    with pytest.raises(StoreError, match="no log files"):
        segments(tmp_path)
    with pytest.raises(StoreError, match="No such file"):
        read_file(tmp_path / "nothing")
    with pytest.raises(StoreError, match="Is a directory"):
        open_file(tmp_path)
    with pytest.raises(StoreError, match="too long"):
        segments(tmp_path / ("x" * 300))


def test_bytes_are_shown_as_text_or_hex():
    assert printable("é\n".encode()) == ("é\n", "utf-8")
    assert printable(b"\xff\0") == ("ff00", "hex")
    assert printable(b"a\0") == ("6100", "hex")


def test_a_time_that_is_none_stays_a_number():
    assert local_time(1 << 62) == str(1 << 62)
    assert len(local_time(1700000000123)) == 23
