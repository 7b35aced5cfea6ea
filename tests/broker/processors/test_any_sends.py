"""Whatever clients may send, recorded, mutated and made up: each lane leaves the same bytes as the handlers."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutate import mutate, with_true_length
from rmqwire.codec.batch import encode_entry
from rmqwire.codec.command import decode_command
from rmqwire.codec.release import V5_5_0
from tests.support.golden import frame_files, frames
from tests.support.lanes import KEY, MEMBERS, TOPIC, BothLanes, batch_frame, send_frame


def _golden_requests() -> list[bytes]:
    """Return every request of the recordings that a lane must look at, and some others."""
    found = []
    for path in frame_files():
        for entry, frame in frames(path):
            if entry["kind"] == "request":
                found.append(frame)
    return found


def test_every_recorded_request_leaves_the_same_on_both_lanes(tmp_path, lane):
    lanes = BothLanes(tmp_path, V5_5_0, lane)
    sends = [frame for frame in _golden_requests() if decode_command(frame).code in {10, 310, 320}]
    assert len(sends) > 100
    for _ in range(2):  # the second time their topics are known
        lanes.feed(*sends)
        lanes.reconnect()
    assert lanes.taken > len(sends) // 4
    lanes.close()


def test_mutated_and_interleaved_sends_leave_the_same_on_both_lanes(lanes):
    rng = Random(11)
    pool = [send_frame(serialize_type=s, v1=v) for s in (0, 1) for v in (True, False)]
    pool += [batch_frame(*MEMBERS[:2], serialize_type=s, flag=f) for s in (0, 1) for f in (0, 2)]
    for number in range(200):
        pieces = [
            with_true_length(mutate(rng, pool)) if rng.random() < 0.6 else rng.choice(pool)
            for _ in range(rng.randrange(1, 5))
        ]
        data = b"".join(pieces)
        cut = rng.randrange(len(data) + 1)
        lanes.feed(data[:cut], data[cut:])
        if number % 3 == 0 or lanes.clients[0].connection.closed:
            lanes.reconnect()
    assert lanes.taken > 60


_NAMES = st.sampled_from(
    ["KEYS", "TAGS", "WAIT", "UNIQ_KEY", "a", "orderId", "INSTANCE_ID", "DELAY", "", "ключ"]
)
_VALUES = st.one_of(
    st.sampled_from(["true", "false", "", KEY, "a b", "0", "3", "\x01", "é𝄞"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
_ENTRIES = st.lists(st.tuples(_NAMES, _VALUES), max_size=5)
_NUMBERS = st.one_of(
    st.sampled_from([0, 1, 3, 4, -1, 0x100, 0x200, 2**31 - 1, -(2**31), 2**31]), st.integers(0, 9)
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"serialize_type": st.sampled_from([0, 1]), "v1": st.booleans()},
            optional={
                "topic": st.sampled_from([TOPIC, "Other", "none", "é"]),
                "queue_id": st.integers(-1, 4),
                "properties": st.one_of(
                    st.none(), _ENTRIES.map(lambda e: "\x02".join(f"{n}\x01{v}" for n, v in e))
                ),
                "body": st.binary(max_size=40),
                "opaque": st.integers(-(2**31), 2**31 - 1),
                "reconsume_times": _NUMBERS,
                "born_timestamp": _NUMBERS,
                "sys_flag": st.sampled_from([0, 1, 2, 4, 8, 0x10, 0x40, 0x101, 0x700]),
                "flag": st.sampled_from([0, 1, 2]),
            },
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sends_leave_the_same_on_both_lanes(lanes, sends):
    lanes.feed(b"".join(send_frame(**values) for values in sends))
    if lanes.clients[0].connection.closed:
        lanes.reconnect()


@given(
    st.lists(st.lists(st.tuples(_NAMES, _VALUES), max_size=4), max_size=4),
    st.sampled_from([0, 1]),
    st.sampled_from([0, 2]),
    st.integers(0, 3),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_batch_leaves_the_same_on_both_lanes(lanes, members, serialize_type, flag, queue_id):
    texts = ["\x02".join(f"{n}\x01{v}" for n, v in entries) for entries in members]
    fields = {"serialize_type": serialize_type, "flag": flag, "queue_id": queue_id}
    lanes.feed(batch_frame(*texts, **fields) + batch_frame(*MEMBERS[:2], *texts, **fields))


_ALIKE = st.fixed_dictionaries(
    {
        "queue_id": st.integers(0, 4),
        "born_timestamp": st.sampled_from([1_795_228_300_000, 1_795_228_300_001]),
        "flag": st.sampled_from([0, 0, 0, 2]),
        "serialize_type": st.sampled_from([1, 1, 1, 0]),
    }
)
_MEMBER_OF_ALIKE = st.tuples(
    st.sampled_from([b"abcd", b"abcd", b"efgh", b"ab"]),
    st.sampled_from(["TAGS\x01TagA", "TAGS\x01TagB", "TAGS\x01Tag", "INNER_NUM\x012", "TAGS\x01"]),
)


@given(
    st.lists(
        st.tuples(_ALIKE, st.lists(_MEMBER_OF_ALIKE, min_size=2, max_size=2)),
        min_size=2,
        max_size=9,
    )
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_in_a_row_leave_the_same_on_both_lanes(lanes, batches):
    frames = []
    for number, (fields, members) in enumerate(batches):
        body = b"".join(
            encode_entry(3, body, f"{text}\x02UNIQ_KEY\x01K{number}{at}\x02".encode())
            for at, (body, text) in enumerate(members)
        )
        frames.append(batch_frame(body=body, opaque=number, **fields))
    lanes.feed(b"".join(frames))
