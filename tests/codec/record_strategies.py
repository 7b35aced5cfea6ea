"""Hypothesis strategies for the layouts of records and store files."""

from __future__ import annotations

from hypothesis import strategies as st

from rmqwire.codec.message import MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2, StoredMessage

int8 = st.integers(-(1 << 7), (1 << 7) - 1)
int16 = st.integers(-(1 << 15), (1 << 15) - 1)
int32 = st.integers(-(1 << 31), (1 << 31) - 1)
int64 = st.integers(-(1 << 63), (1 << 63) - 1)
text = st.text(
    st.characters(exclude_characters="\x01\x02", exclude_categories=("Cs",)), max_size=12
)
name = text.filter(bool)
properties = st.dictionaries(name, name, max_size=5)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(str)


@st.composite
def messages(draw: st.DrawFn) -> StoredMessage:
    """Messages that a record can hold, hosts of either kind, V1 and V2."""
    born_v6, store_v6, v2 = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    topic = draw(st.text(st.sampled_from("abcXYZ_-%"), max_size=300 if v2 else 127))
    return StoredMessage(
        topic,
        draw(st.binary(max_size=80)),
        draw(properties),
        draw(int32),
        draw(int32),
        draw(int64),
        draw(int64),
        draw(int32) & ~0x30 | (0x10 if born_v6 else 0) | (0x20 if store_v6 else 0),
        draw(int64),
        (draw(ipv6 if born_v6 else ipv4), draw(int32)),
        draw(int64),
        (draw(ipv6 if store_v6 else ipv4), draw(int32)),
        draw(int32),
        draw(int64),
        draw(int32),
        MESSAGE_MAGIC_V2 if v2 else MESSAGE_MAGIC_V1,
    )


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The same bytes, cut off, with a few bytes replaced, or with something behind them."""
    kind = draw(st.sampled_from(("cut", "mutate", "extend")))
    if kind == "cut":
        return data[: draw(st.integers(0, max(len(data) - 1, 0)))]
    if kind == "extend":
        return data + draw(st.binary(min_size=1, max_size=30))
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)
