"""Lines out of chunks of stdin."""

import io

import pytest

from rmqwire.cli.stdin_lines import lines


class Trickle:
    """A file that gives a few bytes at a time."""

    def __init__(self, data, step):
        self.data, self.step = data, step

    def read(self, _):
        chunk, self.data = self.data[: self.step], self.data[self.step :]
        return chunk


@pytest.mark.parametrize("step", [1, 2, 3, 100])
async def test_lines(step):
    file = Trickle(b"one\r\ntwo\n\nlast", step)
    assert [line async for line in lines(file)] == [b"one", b"two", b"", b"last"]


async def test_a_file_that_ends_in_a_newline():
    assert [line async for line in lines(io.BytesIO(b"a\nb\n"))] == [b"a", b"b"]
    assert [line async for line in lines(io.BytesIO(b""))] == []
