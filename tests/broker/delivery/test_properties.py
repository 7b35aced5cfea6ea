"""Properties are stored in the order in which Java's HashMap gives them."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from rmqwire.broker.delivery import properties
from rmqwire.broker.delivery.properties import (
    MAX_PLANS,
    PropertyRewriter,
    java_map_order,
    write_properties,
)
from rmqwire.codec.command import decode_command
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0, release_named
from tests.support.golden import frame_files, frames

NAMES = st.sampled_from(
    ["a", "b", "KEYS", "TAGS", "UNIQ_KEY", "WAIT", "CLUSTER", "MSG_REGION", "POP_CK", "DELAY"]
)
TEXT = st.lists(
    st.tuples(NAMES | st.text("xyz", max_size=2), st.text("1\x01é", max_size=3)), max_size=8
).map(lambda pairs: "\x02".join(f"{name}\x01{value}" for name, value in pairs))


def rewriter(release) -> PropertyRewriter:
    return PropertyRewriter(
        release, "GoldCluster", "DefaultRegion", trace_on=True, new_unique_key=lambda: "NEW"
    )


def recorded(release_name: str) -> list[tuple[str, bytes]]:
    """Return (properties of a send, properties of its record as pulled) by UNIQ_KEY."""
    sent, stored = {}, []
    for path in frame_files("*"):
        if path.parts[-3] != release_name:
            continue
        for entry, frame in frames(path):
            if entry["name"] == "SEND_MESSAGE_V2" and entry["kind"] == "request":
                text = decode_command(frame).ext_fields.get("i", "")
                sent[decode_properties(text).get("UNIQ_KEY")] = text
            elif entry["name"] == "PULL_MESSAGE" and entry["kind"] == "response":
                stored += list(iter_messages(decode_command(frame).body))
    pairs = []
    for message in stored:
        text = sent.get(message.unique_key)
        plain = not {"REAL_TOPIC", "RETRY_TOPIC", "TRAN_MSG"} & set(message.properties)
        if text is not None and plain:
            pairs.append((text, message.record))
    return pairs


@pytest.mark.parametrize("release_name", ["4.9.7", "5.5.0"])
def test_recorded_sends_become_the_recorded_records(release_name):
    pairs = recorded(release_name)
    assert len(pairs) > 10
    rewrite = rewriter(release_named(release_name)).rewrite
    for text, record in pairs:
        data = rewrite(text).data
        assert record.endswith(len(data).to_bytes(2, "big") + data), (text, record[-300:])


@given(text=TEXT)
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
def test_the_fast_way_and_the_slow_way_agree(release, text):
    made = rewriter(release)
    fast, slow = made.rewrite(text), made._rewrite_slowly(text)
    assert fast.data == slow.data
    assert (fast.tags, fast.unique_key, fast.wait_store_ok) == (
        slow.tags, slow.unique_key, slow.wait_store_ok,
    )  # fmt: skip
    assert fast.properties == slow.properties


def test_a_full_table_doubles():
    names = [f"n{i}" for i in range(13)]
    assert java_map_order(names, 16) == java_map_order(names, 32)
    assert sorted(java_map_order(names, 16)) == sorted(names)


def test_names_of_users_do_not_fill_the_memory():
    made = rewriter(V5_5_0)
    for i in range(MAX_PLANS + 10):
        made.rewrite(f"name{i}\x01v\x02")
        java_map_order([f"name{i}", "KEYS"], 16)
    assert len(made._plans) <= MAX_PLANS
    assert properties._order.cache_info().currsize <= MAX_PLANS


def test_no_properties_are_no_bytes():
    assert write_properties({}, V5_5_0) == b""
