"""Where keys stand in property strings: patterns find what the reader of properties finds."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rmqwire.codec.properties import decode_properties
from rmqwire.store.index import key_layout
from rmqwire.store.index.key_layout import GROUPS, Layouts, find_values

USUAL = b"KEYS\x01a b\x02UNIQ_KEY\x01U\x02WAIT\x01true\x02TAGS\x01t\x02"


def learned(*properties: bytes) -> Layouts:
    layouts = Layouts()
    for one in properties:
        layouts.of(one)
        layouts.of(one)
    return layouts


def test_names_that_come_twice_get_a_pattern_that_finds_other_values():
    layouts = Layouts()
    assert layouts.of(USUAL) is None
    match = layouts.of(USUAL.replace(b"a b", b"longer keys"))
    data = b"--" + USUAL.replace(b"true", b"") + b"--"
    assert match(data, 2, len(data) - 2).group(*GROUPS) == (b"U", b"a b", b"t")
    assert match(data, 2, len(data) - 3).group(*GROUPS) == (b"U", b"a b", b"t")  # as 4.9 ends it
    assert match(data, 2, len(data)) is None
    assert match(data, 1, len(data) - 2) is None


names = st.sampled_from(["UNIQ_KEY", "KEYS", "TAGS", "WAIT", "XKEYS", "a.b*", "", "\n"])
values = st.sampled_from(
    ["", "a", "a b  c", "\x01", "x\x01KEYS\x01y", "\n", "schlüssel", "UNIQ_KEY"]
)
strings = st.tuples(
    st.lists(st.tuples(names, st.sampled_from(["\x01", "\x01", "\x01", ""]), values), max_size=5),
    st.booleans(),
)


@given(st.lists(strings, min_size=1, max_size=4))
@example([([("KEYS", "\x01", "a"), ("KEYS", "\x01", "")], True)])
def test_a_pattern_finds_what_java_reads_or_nothing(rows):
    properties = [
        ("\x02".join(map("".join, entries)) + "\x02" * ends).encode() for entries, ends in rows
    ]
    layouts = learned(*properties)
    for one in properties:
        read = decode_properties(one)
        wanted = tuple(read.get(name, "").encode() for name in ("UNIQ_KEY", "KEYS", "TAGS"))
        assert find_values(b"-" + one + b"-", 1, 1 + len(one)) == wanted
        for other in properties:
            match = layouts.of(other)
            found = match(one, 0, len(one)) if match is not None else None
            assert found is None or found.group(*GROUPS) == wanted


def test_only_so_many_patterns_are_made(monkeypatch):
    monkeypatch.setattr(key_layout, "_KEPT", 2)
    layouts = learned(b"a\x01", b"b\x01", USUAL)
    assert layouts.of(b"b\x01") is not None
    assert layouts.of(USUAL) is None
    assert learned(b"".join(b"%d\x01\x02" % number for number in range(80))).of(USUAL) is None


def test_names_that_never_come_again_are_forgotten(monkeypatch):
    monkeypatch.setattr(key_layout, "_KEPT", 2)
    layouts = Layouts()
    for one in (USUAL, b"a\x01", b"b\x01", USUAL):
        assert layouts.of(one) is None
    assert layouts.of(USUAL) is not None
