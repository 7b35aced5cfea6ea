from __future__ import annotations

from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec import headers
from rmqwire.codec.headers import (
    GetMaxOffsetRequestHeader,
    Header,
    PullMessageRequestHeader,
    PullMessageResponseHeader,
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from rmqwire.codec.headers.base import Int, Long, plan_of
from rmqwire.codec.headers.registry import REQUEST_HEADERS, RESPONSE_HEADERS
from rmqwire.errors import BadHeader
from tests.support.generators import load_generator
from tests.support.golden import RELEASE_NAMES, protocol_table

TABLE = protocol_table("headers")["headers"]
ADDED = protocol_table("headers")["added"]["5.5.1"]
LETTERS = protocol_table("headers")["SendMessageRequestHeaderV2_to_V1"]
ORDERS = protocol_table("header_order")
KINDS = {
    "String": str,
    "Integer": Int,
    "int": Int,
    "Long": Long,
    "long": Long,
    "Boolean": bool,
    "boolean": bool,
    "BoundaryType": str,  # an enum, by its name
    "List<PlainAccessConfig>": str,  # Java can't read it back either
}


def header_class(name: str) -> type[Header]:
    return getattr(headers, name)


def test_sources_are_what_the_generator_writes():
    for path, text in load_generator("gen_headers").sources().items():
        assert path.read_text("utf-8") == text, path.name


def test_there_is_one_class_for_each_of_javas():
    assert len(TABLE) == 163
    assert set(headers.__all__) == {*TABLE, "Header"}


@pytest.mark.parametrize("name", TABLE)
def test_fields_and_types_are_those_of_java(name):
    ours = {field.encode_name: field for field in msgspec.structs.fields(header_class(name))}
    theirs = {
        field["name"]: field["type"]
        for release in RELEASE_NAMES  # the newer one counts where they differ
        for field in TABLE[name].get(release, {"fields": []})["fields"]
    }
    theirs |= {field["name"]: field["type"] for field in ADDED.get(name, ())}
    assert ours.keys() == theirs.keys()
    for wire, java_type in theirs.items():
        kind = KINDS[java_type]
        assert ours[wire].type in (kind, kind | None), wire
        if java_type in {"int", "long", "boolean"} and not ours[wire].required:
            assert ours[wire].type == kind, wire
            assert ours[wire].default is not None, wire


@pytest.mark.parametrize("name", TABLE)
def test_a_field_is_required_where_every_release_requires_it(name):
    served_without = load_generator("gen_headers").NEVER_MISSED.get(name, set())
    for field in msgspec.structs.fields(header_class(name)):
        made = set().union(*(ORDERS[r].get(name, {}).get("defaults", {}) for r in RELEASE_NAMES))
        by_release = [
            any(
                row["name"] == field.encode_name not in made
                and "CFNotNull" in row.get("annotations", ())
                and row["type"] not in {"int", "long", "boolean"}  # which are never null
                for row in release["fields"]
            )
            for release in TABLE[name].values()
        ]
        wanted = all(by_release) and field.encode_name not in served_without
        assert field.required == wanted, field.name


def test_letters_of_v2_have_the_names_of_v1():
    generator = load_generator("gen_headers")
    fields = {f.encode_name: f.name for f in msgspec.structs.fields(SendMessageRequestHeaderV2)}
    for letter, name in LETTERS.items():
        assert fields[letter] == generator.snake(name.split()[0])
    v1 = set(SendMessageRequestHeader.__struct_fields__)
    assert set(SendMessageRequestHeaderV2.__struct_fields__) - v1 == {"broker_name"}


@cache
def sample(name: str, wires: tuple[str, ...]) -> Header:
    """Make a header with these fields set and no other."""
    values = {}
    for field in msgspec.structs.fields(header_class(name)):
        if field.encode_name not in wires:
            values[field.name] = None
        elif field.type in (str, str | None):
            values[field.name] = "x"
        else:
            values[field.name] = True if field.type in (bool, bool | None) else 1
    return header_class(name)(**values)


# The older class has another Java name, so its reflected fields lie in another order; the two
# releases disagree on one pair of fields, and ours writes the order of the newer one.
OTHER_ORDER = {("4.9.7", "CreateTopicRequestHeader", "all")}


@pytest.mark.parametrize("release", RELEASE_NAMES)
def test_fields_are_written_in_javas_order(release):
    for name, orders in ORDERS[release].items():
        for case in ("all", "required"):
            written = list(sample(name, tuple(orders[case])).encode())
            if (release, name, case) in OTHER_ORDER:
                assert set(written) == set(orders[case])
                assert written != orders[case]
            else:
                assert written == orders[case], (name, case)


@pytest.mark.parametrize("release", RELEASE_NAMES)
def test_fast_headers_are_written_in_their_own_order(release):
    fast = {name: orders["fast"] for name, orders in ORDERS[release].items() if "fast" in orders}
    assert set(fast) == {
        "PullMessageRequestHeader",
        "PullMessageResponseHeader",
        "SendMessageRequestHeaderV2",
        "SendMessageResponseHeader",
    }
    for name, order in fast.items():
        every = tuple(ORDERS[release][name]["all"])
        assert list(sample(name, every).encode(fast=True)) == order


@pytest.mark.parametrize("release", RELEASE_NAMES)
def test_fresh_headers_have_javas_defaults(release):
    for name, orders in ORDERS[release].items():
        if release == "4.9.7" and name in ORDERS["5.5.0"]:
            continue
        fields = {field.encode_name: field for field in msgspec.structs.fields(header_class(name))}
        for wire, text in orders.get("defaults", {}).items():
            if not fields[wire].required:
                assert str(fields[wire].default).lower() == text.lower(), (name, wire)


def strategy_of(field: msgspec.structs.FieldInfo) -> st.SearchStrategy:
    kind = field.type
    if kind in (Int, Int | None):
        values = st.integers(-(2**31), 2**31 - 1)
    elif kind in (Long, Long | None):
        values = st.integers(-(2**63), 2**63 - 1)
    elif kind in (bool, bool | None):
        values = st.booleans()
    else:
        values = st.text(max_size=5)
    # a default that is not None comes back where None was left out
    return values if field.required or field.default is not None else st.none() | values


@pytest.mark.parametrize("name", TABLE)
def test_values_come_back(name):
    cls = header_class(name)
    fields = msgspec.structs.fields(cls)

    @settings(max_examples=8, deadline=None)
    @given(st.fixed_dictionaries({field.name: strategy_of(field) for field in fields}))
    def check(values):
        header = cls(**values)
        texts = header.encode()
        assert all(isinstance(text, str) for text in texts.values())
        assert cls.decode(texts) == header
        assert cls.decode({**texts, "zzUnknown": "1"}) == header

    check()


PULL = {
    "consumerGroup": "g",
    "topic": "t",
    "queueId": "0",
    "queueOffset": "-1",
    "maxMsgNums": "32",
    "sysFlag": "2",
    "commitOffset": "0",
    "suspendTimeoutMillis": "15000",
    "subVersion": "1",
}


def test_reads_what_a_client_sends():
    header = PullMessageRequestHeader.decode(PULL)
    assert (header.consumer_group, header.queue_offset, header.max_msg_nums) == ("g", -1, 32)
    assert header.subscription is None


@pytest.mark.parametrize(
    "wire", sorted(PULL.keys() - {"commitOffset", "suspendTimeoutMillis", "subVersion"})
)
def test_a_missing_required_field_is_named_in_javas_words(wire):
    fields = {name: text for name, text in PULL.items() if name != wire}
    with pytest.raises(BadHeader, match=f"^the custom field <{wire}> is null$"):
        PullMessageRequestHeader.decode(fields)


def test_no_fields_at_all():
    with pytest.raises(BadHeader, match="is null"):
        PullMessageRequestHeader.decode(None)
    assert GetMaxOffsetRequestHeader.decode({"topic": "t", "queueId": "1"}).committed is True


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "x", "1_0", "0x1", "--1", "2147483648", "9" * 5000, "²", "-", "NaN"]
)
def test_a_number_that_is_none_is_named_with_its_value(text):
    with pytest.raises(BadHeader, match="the custom field <queueId> is not a number"):
        PullMessageRequestHeader.decode({**PULL, "queueId": text})


@pytest.mark.parametrize(
    ("text", "value"), [("+5", 5), ("005", 5), ("-0", 0), ("-2147483648", -(2**31))]
)
def test_numbers_java_reads_too(text, value):
    assert PullMessageRequestHeader.decode({**PULL, "queueId": text}).queue_id == value


@pytest.mark.parametrize("offset", [2**63 - 1, -(2**63)])
def test_longs_have_64_bits(offset):
    fields = {**PULL, "queueOffset": str(offset)}
    assert PullMessageRequestHeader.decode(fields).queue_offset == offset
    with pytest.raises(BadHeader, match="queueOffset"):
        PullMessageRequestHeader.decode({**PULL, "queueOffset": str(offset * 2)})


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("TRUE", True), ("false", False), ("1", False), ("0", False), ("yes", False)],
)
def test_only_true_is_true(text, value):
    assert PullMessageRequestHeader.decode({**PULL, "nsd": text}).nsd is value


def test_empty_values_of_the_rocketmq_serialisation():
    fields = {**PULL, "subscription": "", "maxMsgBytes": ""}
    header = PullMessageRequestHeader.decode(fields, empty_is_none=True)
    assert (header.subscription, header.max_msg_bytes) == (None, None)
    with pytest.raises(BadHeader, match="<topic> is null"):
        PullMessageRequestHeader.decode({**PULL, "topic": ""}, empty_is_none=True)


def test_fields_that_are_none_are_left_out():
    header = PullMessageResponseHeader(
        suggest_which_broker_id=0, next_begin_offset=5, min_offset=0, max_offset=10
    )
    assert header.encode() == {
        "suggestWhichBrokerId": "0",
        "nextBeginOffset": "5",
        "maxOffset": "10",
        "minOffset": "0",
    }


def test_a_request_and_its_answer_know_their_headers():
    by_value = {row["value"]: row for row in protocol_table("request_codes")["codes"]}
    for registry, column in (
        (REQUEST_HEADERS, "request_header"),
        (RESPONSE_HEADERS, "response_header"),
    ):
        for code, row in by_value.items():
            named = (row[column] or "").split(" ")[0]
            if named in TABLE:
                assert registry[code] is header_class(named)
    for name, releases in TABLE.items():
        action = releases.get("5.5.0", {}).get("action")
        if action and name.endswith("RequestHeader"):
            assert REQUEST_HEADERS[action["value"]].__name__.startswith(name.removesuffix("V2"))


def test_plans_are_made_once():
    assert plan_of(PullMessageRequestHeader) is plan_of(PullMessageRequestHeader)
