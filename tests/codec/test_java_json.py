"""fastjson's dialect: what Java wrote, what Java accepts, and nothing but BadBody for the rest."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec import java_json
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.java_json import ObjectKey, dumps, java_double, loads
from rmqwire.codec.json_reader import MAX_DEPTH, read_tolerant
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import BadBody, UsageError

TABLE = json.loads((Path(__file__).parent.parent / "data/protocol/bodies.json").read_text("utf-8"))
RELEASES = [pytest.param(release, id=release.name) for release in (V4_9_7, V5_5_0)]


@pytest.mark.parametrize("release", RELEASES)
def test_special_samples_of_java_come_back(release):
    for sample in TABLE["special_samples"][release.name]:
        if "twice" in sample["name"]:
            continue  # identity: tests/codec/test_bodies.py
        value = loads(sample["text"])
        text = dumps(value, release, standard="standard" in sample["name"]).decode()
        assert text == sample["text"].replace(',"tps":null', "")  # a null field is left out


# Run on the jars: every character of the Basic Multilingual Plane, first of each kind.
ESCAPES_4_9_7 = {0x0: "\\u0000", 0xB: "\\u000B", 0x1F: "\\u001F", 0x7F: "\\u007F", 0x9F: "\\u009F"}
ESCAPES_4_9_7 |= {0x2028: "\\u2028", 0x2029: "\\u2029", 0xA0: "\xa0", 0x2F: "/", 0x4E2D: "中"}
ESCAPES_5_5_0 = {0x0: "\\u0000", 0xB: "\\u000b", 0x1F: "\\u001f", 0x7F: "\x7f", 0x2028: "\u2028"}
STANDARD_4_9_7 = {0x2F: "\\/", 0x7F: "\\u007F", 0xA0: "\\u00A0", 0x1F600: "\\uD83D\\uDE00"}
BOTH = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 0x22: '\\"', 0x5C: "\\\\", 0x3C: "<"}


@pytest.mark.parametrize(
    ("release", "standard", "table"),
    [
        (V4_9_7, False, ESCAPES_4_9_7 | BOTH),
        (V5_5_0, False, ESCAPES_5_5_0 | BOTH),
        (V4_9_7, True, STANDARD_4_9_7 | BOTH),
        (V5_5_0, True, ESCAPES_5_5_0 | BOTH | {0x2F: "/", 0x1F600: "\U0001f600"}),
    ],
)
def test_escapes_are_those_of_the_release(release, standard, table):
    for code, text in table.items():
        assert dumps(chr(code), release, standard=standard).decode() == f'"{text}"'


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e7, "1.0E7"), (1e-3, "0.001"), (9999999.0, "9999999.0"), (1e-4, "1.0E-4"),
        (123456789.125, "1.23456789125E8"), (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "4.9E-324"), (1.7976931348623157e308, "1.7976931348623157E308"), (-0.0, "-0.0"),
        (100.0, "100.0"), (0.0, "0.0"), (-1e10, "-1.0E10"), (1e-7, "1.0E-7"),
        (math.nan, "null"), (math.inf, "null"), (1e23, "1.0E23"),
    ],
)  # fmt: skip
def test_doubles_are_printed_as_java_does(number, text):
    assert java_double(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_keep_their_value(number):
    assert loads(java_double(number)) == number


def test_pretty_text_of_both_releases():
    value = {"i": {0: 1, 1: {"x": 1}}, "l": ["a", {"y": 2}], "e": [], "n": None, "em": {}}
    assert dumps(value, V4_9_7, pretty=True).decode() == (
        '{\n\t"i":{0:1,1:{\n\t\t\t"x":1\n\t\t}\n\t},\n\t"l":[\n\t\t"a",\n\t\t{\n\t\t\t"y":2\n\t\t}'
        '\n\t],\n\t"e":[],\n\t"em":{}\n}'
    )
    assert dumps(value, V5_5_0, pretty=True).decode() == (
        '{\n\t"i":{\n\t\t0:1,\n\t\t1:{\n\t\t\t"x":1\n\t\t}\n\t},\n\t"l":[\n\t\t"a",\n\t\t{\n'
        '\t\t\t"y":2\n\t\t}\n\t],\n\t"e":[],\n\t"em":{}\n}'
    )


def test_standard_json_quotes_number_keys_sorts_maps_and_quotes_long_numbers():
    value = {10: 9007199254740993, 9: 1, True: 2}
    assert dumps(value) == b"{10:9007199254740993,9:1,true:2}"
    assert dumps(value, standard=True) == b'{"true":2,"9":1,"10":"9007199254740993"}'
    assert dumps({MessageQueue("t", "b", 1): 2}, standard=True).startswith(b'{{"brokerName"')
    keys = loads('{{"b":1}:1,{"a":1}:2}')
    assert dumps(keys, standard=True) == b'{{"b":1}:1,{"a":1}:2}'


def test_a_reference_path_escapes_what_is_no_letter():
    inner = {"x": 1}
    text = dumps({"a_b-c.d": inner, "z": [inner]}, V4_9_7)
    assert text == rb'{"a_b-c.d":{"x":1},"z":[{"$ref":"$.a\\_b\\-c\\.d"}]}'
    assert loads(text) == {"a_b-c.d": inner, "z": [inner]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{0:"a",-1:"b"}', {0: "a", -1: "b"}),
        ('{{"topic":"t","queueId":1}:2}', {ObjectKey(topic="t", queueId=1): 2}),
        ("{'a':'it\\'s'}", {"a": "it's"}), ("{a:1}", {"a": 1}), ('{"a":1,}', {"a": 1}),
        ('{,"a":1}', {"a": 1}), ("[1,,2]", [1, 2]), ('{"a":NaN}', {"a": None}),
        ('{/*x*/"a":1// y\n}', {"a": 1}), ('{"a":"\\x41\\v\\0\\/"}', {"a": "A\v\0/"}),
        ('{"a":+1,"b":01,"c":1L,"d":.5}', {"a": 1, "b": 1, "c": 1, "d": 0.5}),
        ('{"a":Set[1]}', {"a": [1]}), ("{1.5:2,true:3}", {"1.5": 2, "true": 3}),
        ("\ufeff{a:1}", {"a": 1}), ('["\\ud83d\\ude00",\'x\']', ["\U0001f600", "x"]),
        ('"\\ud83d"', "\ufffd"),
        ('{"a":[{"b":1}],"c":{"$ref":"$.a[0]"}}', {"a": [{"b": 1}], "c": {"b": 1}}),
        ('{"a":{"$ref":"$.b"},"b":{"$ref":"$.c"},"c":{"x":1}}',
         {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}),
        ('{m:{5:{x:1}},"r":{"$ref":"$.m[5]"}}', {"m": {5: {"x": 1}}, "r": {"x": 1}}),
        ('{"a":{"$ref":"$.no.such[3]"},"b":{"$ref":"nothing"}}', {"a": None, "b": None}),
    ],
)  # fmt: skip
def test_what_java_accepts_is_accepted(text, value):
    assert loads(text) == value
    assert loads(text.encode()) == value
    assert loads(memoryview(text.encode())) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "[", '{"a"', '{"a":', '{"a":1', '{"a":1}x', '{"a":1;"b":2}', '{"a":tru}',
        "[" * 100_000, "{a:" * 100_000, "{{" * 100_000, '"abc', "'abc", '"\\', '"\\u12', '"\\q"',
        "-", "+", ".", "'1", "[1e999,]", "9" * 5000, "[" + "9" * 100 + ",]", "{[1]:2}", "{{a:{}}:1}",
        "/*", "\0", "[\0]", '{"a":{"$ref":"$"}}', '{"a":{"$ref":"@"}}', '{"a":{"$ref":"$.a"}}',
        '{"a":{"b":{"$ref":"$.a"}}}', "{:1}", "{a b:1}", "[1 2]", "{a:}",
    ],
)  # fmt: skip
def test_nonsense_is_a_bad_body(text):
    with pytest.raises(BadBody):
        loads(text)
    with pytest.raises(BadBody):
        loads(text.encode())


def test_bytes_that_are_not_utf_8_are_a_bad_body():
    for data in (b"\xff", b'{"a":"\xc3"}', b'"\xed\xa0\x80"'):
        with pytest.raises(BadBody):
            loads(data)


def test_depth_is_limited_at_the_limit():
    assert read_tolerant("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(BadBody):
        read_tolerant("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_references_cannot_grow_a_body_without_end():
    row = ",".join(['{"$ref":"$.%s"}'] * 100)
    levels = [f'"{chr(98 + n)}":[{row % ((chr(97 + n),) * 100)}]' for n in range(6)]
    with pytest.raises(BadBody):
        loads('{"a":[1,2,3],' + ",".join(levels) + "}")


def test_a_long_chain_of_references_is_a_bad_body_at_worst():
    links = ",".join(f'"k{n}":{{"$ref":"$.k{n + 1}"}}' for n in range(5000))
    with pytest.raises(BadBody):
        loads("{" + links + "}")


def test_what_has_no_text_is_our_own_mistake():
    loop: list[object] = []
    loop.append(loop)
    for value in (loop, object(), {"a": {1j}}):
        with pytest.raises(UsageError):
            dumps(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(TEXT.filter(lambda t: t != "$ref") | st.integers(0, 99), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(VALUES, st.sampled_from([V4_9_7, V5_5_0]), st.booleans())
def test_values_come_back(value, release, pretty):
    assert loads(dumps(value, release, pretty=pretty)) == value


@settings(max_examples=150)
@given(VALUES)
def test_standard_text_is_standard_json(value):
    json.loads(dumps(value, V5_5_0, standard=True))
    json.loads(dumps(value, V4_9_7, standard=True))


@settings(max_examples=250)
@given(st.data())
def test_mutated_text_gives_a_value_or_a_bad_body(data):
    samples = [entry["sample"] for entry in TABLE["bodies"]["HeartbeatData"].values()]
    samples += [entry["sample"] for entry in TABLE["bodies"]["ConsumeStats"].values()]
    text = bytearray(data.draw(st.sampled_from(samples)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b"{", b"}", b'"', b"\\", b"$ref", b":", b"'"])
        )
    with contextlib.suppress(BadBody):
        java_json.loads(bytes(text))
