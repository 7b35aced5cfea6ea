from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.codes import LANGUAGE_CODES
from rmqwire.codec.header_json import decode_json_header, encode_json_header
from rmqwire.errors import BadHeader
from tests.support.golden import vectors

PLAIN = b'{"code":105,"flag":0,"language":"GO","opaque":1,"version":513}'


def values(**changes):
    fields = {
        "code": 105,
        "language": 9,
        "version": 513,
        "opaque": 1,
        "flag": 0,
        "remark": None,
        "ext_fields": None,
    }
    return tuple({**fields, **changes}.values())


def test_reads_what_java_writes():
    assert decode_json_header(PLAIN) == values()


def java_text(header) -> str:
    """Return the fields as the recordings print them."""
    code, language, version, opaque, _flag, remark, ext_fields = header
    names = {number: name for name, number in LANGUAGE_CODES.items()}
    fields = "null"
    if ext_fields is not None:
        fields = "{" + ", ".join(f"{name}={text}" for name, text in ext_fields.items()) + "}"
    return (
        f"code={code} language={names.get(language, 'null')} opaque={opaque} version={version} "
        f"remark={'null' if remark is None else remark} extFields={fields}"
    )


def is_comparable(release: str, entry: dict) -> bool:
    """Whether ours must agree: we know NODE_JS, which 4.9.7 did not yet."""
    return "header_json" in entry and not (release == "4.9.7" and "NODE_JS" in entry["header_json"])


LENIENCY = [
    entry for release, entry in vectors("header_decode_leniency") if is_comparable(release, entry)
]


@pytest.mark.parametrize("entry", LENIENCY)
def test_reads_odd_headers_as_java_does(entry):
    header = decode_json_header(entry["header_json"].encode())
    # a null value stays in Java's map; ours leaves it out, as Java's own encoder does
    assert java_text(header) == entry["decoded"].replace(", n=null", "")


@pytest.mark.parametrize("entry", LENIENCY)
def test_writes_them_again_as_java_does(entry):
    code, language, version, opaque, flag, remark, ext_fields = decode_json_header(
        entry["header_json"].encode()
    )
    written = encode_json_header((code, language, version, opaque, flag | 1, remark, ext_fields))
    assert written.decode() == entry["re_encoded_as_response_header"]


@pytest.mark.parametrize(
    "data",
    [
        b'{"code":1,"extFields":{"n":3.50}}',
        b'{"code":1,"extFields":{"n":"3.50"}}',
        b' { "code" : 1 , "extFields" : { "n" : 3.50 } } ',
    ],
)
def test_numbers_in_ext_fields_keep_their_spelling(data):
    assert decode_json_header(data)[6] == {"n": "3.50"}


def test_the_last_of_repeated_keys_counts():
    assert decode_json_header(b'{"code":1,"code":2,"extFields":{"a":"1","a":"2"}}') == values(
        code=2, language=0, version=0, opaque=0, ext_fields={"a": "2"}
    )


def test_null_fields_are_absent():
    data = b'{"code":null,"language":null,"extFields":null,"remark":null,"version":null}'
    assert decode_json_header(data) == values(code=0, language=None, version=0, opaque=0)


HOSTILE = {
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "text": b'"code"',
    "number": b"5",
    "cut": PLAIN[:-1],
    "followed": PLAIN + b"x",
    "deep unknown": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep ext field": b'{"extFields":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "deep code": b'{"code":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "5000 digits": b'{"code":' + b"1" * 5000 + b"}",
    "5000 digits in quotes": b'{"code":"' + b"1" * 5000 + b'"}',
    "1e400": b'{"code":1e400}',
    "opaque 2^63": b'{"code":1,"opaque":9223372036854775808}',
    "opaque 2^31": b'{"code":1,"opaque":2147483648}',
    "opaque below -2^31": b'{"code":1,"opaque":-2147483649}',
    "flag as text": b'{"code":1,"flag":"x"}',
    "bad UTF-8": b'{"code":1,"remark":"\xff"}',
    "bad UTF-8 in a name": b'{"code":1,"extFields":{"\xff":"a"}}',
    "surrogate bytes": b'{"code":1,"extFields":{"a":"\xed\xa0\x80"}}',
    "ext fields as list": b'{"code":1,"extFields":[]}',
    "ext fields as text": b'{"code":1,"extFields":"x"}',
    "UTF-16": PLAIN.decode().encode("utf-16"),
}


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b'{"code":1.5}', {"code": 1}),
        (b'{"code":true}', {"code": 1}),
        (b'{"code":NaN}', {"code": 0}),
        (b'{"code":{}}', {"code": 0}),  # 5.5.0
        (b'{"CODE":"1"}', {"code": 1}),  # 4.9.7
        (b'{"language":"go"}', {"code": 0, "language": 9}),
        (b'{"language":"Gopher"}', {"code": 0, "language": None}),
        (b'{"code":1,"remark":"\\ud800"}', {"code": 1, "remark": "\ufffd"}),
        (b'{"code":1,"remark":"\x01"}', {"code": 1, "remark": "\x01"}),
        (b"{'code':1,}", {"code": 1}),
    ],
)
def test_what_fastjson_takes_is_taken(data, read):
    assert decode_json_header(data) == values(**{"language": 0, "version": 0, "opaque": 0, **read})


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_bad_headers(data):
    with pytest.raises(BadHeader):
        decode_json_header(data)


def test_a_million_ext_fields_are_only_many():
    data = b'{"code":1,"extFields":{' + b",".join(b'"%d":"x"' % n for n in range(200_000)) + b"}}"
    assert len(decode_json_header(data)[6]) == 200_000


OLD = values(version=407)


@pytest.mark.parametrize(
    ("version", "text", "written"),
    [
        # from running both releases' encoders over every character
        (513, "\x00\x01\x08\t\n\x0b\x0c\r\x1f", r"\u0000\u0001\b\t\n\u000b\f\r\u001f"),
        (407, "\x00\x01\x08\t\n\x0b\x0c\r\x1f", r"\u0000\u0001\b\t\n\u000B\f\r\u001F"),
        (513, "\x7f\x80\x9f\xa0\u2028\u2029", "\x7f\x80\x9f\xa0\u2028\u2029"),
        (407, "\x7f\x80\x9f\xa0\u2028\u2029", "\\u007F\\u0080\\u009F\xa0\\u2028\\u2029"),
        (513, "\"\\/<>&'", "\\\"\\\\/<>&'"),
        (407, "\"\\/<>&'", "\\\"\\\\/<>&'"),
        (407, "\\u000b\\\x0b", r"\\u000b\\\u000B"),
        (513, "\ud800x", "?x"),
        (407, "中\U0001f600", "中\U0001f600"),
    ],
)
def test_escapes_are_those_of_the_release(version, text, written):
    header = encode_json_header(values(version=version, remark=text, ext_fields={text: text}))
    expected = (
        f'{{"code":105,"extFields":{{"{written}":"{written}"}},"flag":0,"language":"GO",'
        f'"opaque":1,"remark":"{written}","serializeTypeCurrentRPC":"JSON","version":{version}}}'
    )
    assert header.decode() == expected


def test_an_unknown_language_is_left_out():
    for language in (None, 99):
        assert b"language" not in encode_json_header(values(language=language))


INT32 = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HEADERS = st.tuples(
    INT32,
    st.sampled_from([None, *LANGUAGE_CODES.values()]),
    st.one_of(st.sampled_from([407, 513]), INT32),
    INT32,
    INT32,
    st.none() | TEXT,
    st.none() | st.dictionaries(TEXT, TEXT),
)


@given(HEADERS)
def test_values_come_back(header):
    written = encode_json_header(header)
    expected = header if header[1] is not None else (header[0], 0, *header[2:])
    assert decode_json_header(written) == expected
    parsed = json.loads(written)  # an independent reader agrees
    assert parsed["code"] == header[0]
    assert parsed.get("extFields") == header[6]
    assert parsed.get("remark") == header[5]


@given(st.binary())
def test_any_bytes_give_values_or_a_bad_header(data):
    try:
        header = decode_json_header(data)
    except BadHeader:
        return
    assert len(header) == 7
