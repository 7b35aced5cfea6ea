"""Property strings of plain sends: those that are known by their bytes are stored as all others are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.broker.delivery.plain_properties import LEARN_EVERY, LONGEST, PlainProperties
from rmqwire.broker.delivery.properties import PropertyRewriter
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.release import RELEASES

KEY = "7F0000012B354E0E2F2A678A0000"
NAMES = ["KEYS", "UNIQ_KEY", "WAIT", "TAGS", "a", "ключ", "50%s"]


def rewriter_of(release):
    return PropertyRewriter(release, "c%b", "r", trace_on=True, new_unique_key=lambda: KEY)


def plain_of(release):
    rewriter = rewriter_of(release)

    def plan(names):
        found = rewriter.plan(tuple(names))
        if found is None or (found.unique < 0 and rewriter.adds_unique_key):
            return None
        return found.indexes, found.tags, found.unique, found.wait

    trailing = release.wire.trailing_property_separator
    return PlainProperties(plan, rewriter.ours, trailing=trailing, answers_key=True)


def text_of(names, values, *, tail=True):
    return "\x02".join([f"{n}\x01{values[n]}" for n in names]) + ("\x02" if tail else "")


def expected(release, text):
    rewritten = rewriter_of(release).rewrite(text)
    stored = rewritten.data
    return len(stored).to_bytes(2, "big") + stored, rewritten.unique_key, tags_code(rewritten.tags)


def is_equal(found, release, text):
    stored, key, code = found
    return (stored, key and key.decode(), code) == expected(release, text)


@pytest.mark.parametrize("name", ["4.9.7", "5.5.0"])
@settings(max_examples=30)
@given(st.permutations(NAMES), st.integers(0, 7), st.booleans(), st.data())
def test_a_known_string_is_stored_as_the_rewriter_stores_it(name, names, count, tail, data):
    release = RELEASES[name]
    names = list(dict.fromkeys([*names[:count], "UNIQ_KEY"]))
    value = st.text(st.characters(codec="utf-8", exclude_characters="\x02"), min_size=1, max_size=6)
    values = {n: data.draw(value) for n in names} | {"WAIT": "true", "UNIQ_KEY": KEY}
    plain = plain_of(release)
    for _ in range(2 * LEARN_EVERY):
        text = text_of(names, values, tail=tail)
        assert is_equal(plain.read(text.encode()), release, text)
    values = {n: data.draw(st.permutations(v)) for n, v in values.items()} | {"WAIT": "true"}
    text = text_of(names, {n: "".join(v) for n, v in values.items()}, tail=tail)
    assert is_equal(plain.read(text.encode()), release, text)


def test_a_byte_that_is_changed_is_never_overlooked():
    release = RELEASES["5.5.0"]
    text = text_of(
        ["KEYS", "UNIQ_KEY", "WAIT", "TAGS"],
        {"KEYS": "k1", "UNIQ_KEY": KEY, "WAIT": "true", "TAGS": "T"},
    )
    data, plain = text.encode(), plain_of(release)
    for _ in range(LEARN_EVERY):
        plain.read(data)
    for at in range(len(data)):
        for byte in (1, 2, 0x20, 0x41, 0x7F, 0xFF):
            changed = data[:at] + bytes([byte]) + data[at + 1 :]
            assert plain.read(changed) == plain_of(release).read(changed), (at, byte)


def test_strings_of_one_length_are_told_apart():
    release, plain = RELEASES["4.9.7"], plain_of(RELEASES["4.9.7"])
    texts = [text_of(["a", "b"], {"a": "x" * n, "b": "y" * (9 - n)}) for n in range(1, 9)]
    for _ in range(5 * LEARN_EVERY):
        for text in texts:
            assert is_equal(plain.read(text.encode()), release, text)
    assert all(len(known) <= 4 for known in plain._known.values())


@pytest.mark.parametrize(
    "odd",
    [
        "A\x02B\x01c", "\x01v", "A\x01", "A\x011\x02A\x012", f"WAIT\x01false\x02UNIQ_KEY\x01{KEY}",
        "UNIQ_KEY\x01a-b", "A\x01b", "UNIQ_KEY\x01" + "k" * 256, f"UNIQ_KEY\x01{KEY}\x02A\x01" + "x" * 32_700,
    ],
)  # fmt: skip
def test_what_is_not_plain_is_not_read(odd):
    plain = plain_of(RELEASES["5.5.0"])
    for _ in range(2 * LEARN_EVERY):
        assert plain.read(odd.encode()) is None
    assert plain.read(b"A\x01\xff\x02UNIQ_KEY\x01K") is None


def test_a_string_that_is_long_or_has_no_values_is_read_each_time_as_the_first():
    release = RELEASES["4.9.7"]
    plain = plain_of(release)
    for text in ("WAIT\x01true", "", "A\x01" + "x" * LONGEST):
        for _ in range(2 * LEARN_EVERY):
            assert is_equal(plain.read(text.encode()), release, text)
    assert not plain._known
