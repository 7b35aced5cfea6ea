"""What a file in memory holds, beside a plain ``bytearray``."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rmqwire.testing import sparse_bytes
from rmqwire.testing.sparse_bytes import PAGE, SparseBytes

PLACE = st.integers(0, 90)
DATA = st.binary(max_size=30)
EDGE = st.one_of(st.none(), st.integers(-100, 100))
SLICE = st.builds(slice, EDGE, EDGE, st.sampled_from([None, None, 1, 2, -1]))


class BesideBytearray(RuleBasedStateMachine):
    """A file that is written, cut, made larger and read as stores and tests do."""

    def __init__(self):
        super().__init__()
        self.plain, self.sparse = bytearray(), SparseBytes()

    @rule(data=DATA, offset=PLACE)
    def write(self, data, offset):
        self.plain += bytes(max(offset - len(self.plain), 0))
        self.plain[offset : offset + len(data)] = data
        self.sparse.write(data, offset)

    @rule(size=PLACE)
    def resize(self, size):
        self.plain = self.plain[:size].ljust(size, b"\0")
        self.sparse.resize(size)

    @rule(data=DATA, begin=EDGE, stop=EDGE)
    def assign(self, data, begin, stop):
        self.plain[begin:stop] = data
        self.sparse[begin:stop] = data

    @rule(key=SLICE)
    def delete(self, key):
        del self.plain[key]
        del self.sparse[key]

    @rule(at=PLACE, value=st.integers(0, 255))
    def flip(self, at, value):
        if at < len(self.plain):
            self.plain[at] ^= value
            self.sparse[at] ^= value

    @rule()
    def go_on_with_a_copy(self):
        before, self.sparse = self.sparse, self.sparse.copy()
        before.write(b"other", 0)

    @rule(key=SLICE)
    def read(self, key):
        assert self.sparse[key] == self.plain[key]

    @rule(at=st.integers(-100, 100))
    def read_one(self, at):
        try:
            one = self.plain[at]
        except IndexError:
            with pytest.raises(IndexError):
                self.sparse[at]
        else:
            assert self.sparse[at] == one

    @rule(part=st.binary(max_size=3))
    def look_for(self, part):
        assert (part in self.sparse) == (part in self.plain)

    @invariant()
    def same(self):
        assert len(self.sparse) == len(self.plain)
        assert bytes(self.sparse) == bytes(self.plain)
        assert self.sparse == self.plain == bytearray(self.sparse)
        assert self.sparse == SparseBytes(self.plain)
        assert self.sparse != bytes(self.plain) + b"x"

    @rule(offset=PLACE)
    def ask_what_is_written(self, offset):
        rest, ends = self.plain[offset:], [offset]
        for begin, end in self.sparse.written_from(offset):
            assert ends[-1] <= begin < end <= len(self.plain)
            rest[begin - offset : end - offset] = bytes(end - begin)
            ends.append(end)
        assert not any(rest)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(sparse_bytes, "PAGE", 16)


TestBesideBytearray = BesideBytearray.TestCase


def test_what_is_not_written_takes_no_memory(monkeypatch):
    monkeypatch.setattr(sparse_bytes, "PAGE", PAGE)
    file = SparseBytes(b"x")
    file.resize(1 << 40)
    file.write(b"y", 1 << 30)
    assert len(file) == len(file.copy()) == 1 << 40
    assert file.written_from(0) == [(0, PAGE), (1 << 30, (1 << 30) + PAGE)]
    assert file[(1 << 30) - 1 : (1 << 30) + 2] == b"\0y\0"
    assert file[-1] == 0
