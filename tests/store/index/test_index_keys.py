"""The hashes of keys: Java's, whichever way they are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.index_file import index_key
from rmqwire.codec.java_hash import index_key_hash
from rmqwire.codec.record import pack_host, read_position
from rmqwire.codec.sys_flag import TRANSACTION_PREPARED_TYPE, TRANSACTION_ROLLBACK_TYPE
from rmqwire.store.index.index_keys import KeyHasher
from tests.support.stores import START_MS, make_store, message, put, small_config

WORDS = ["", "a", "abcd", "abcde", "ABCDEF0123456789" * 2, "schlüssel", "🚀🚀🚀🚀🚀", "x" * 300]


def log_of(*messages) -> bytes:
    store = make_store(config=small_config(mapped_file_size_commit_log=1 << 20))
    store.open()
    put(store, *messages)
    return store.log.read(0, store.log.end)


def wanted(topic, unique, words, tags, with_tags):
    keys = [index_key(topic, key, None) for key in [unique, *words] if key]
    if tags and with_tags:
        keys.append(index_key(topic, tags, "T"))
    return [index_key_hash(key) for key in keys]


@pytest.mark.parametrize("with_tags", [True, False])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["T", "Thema-é", "x" * 127]),
            st.sampled_from(WORDS),
            st.lists(st.sampled_from(WORDS), max_size=3),
            st.sampled_from(["", "red"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_they_are_java_s_in_bulk_and_one_by_one(with_tags, rows):
    expected, messages = [], []
    for topic, unique, words, tags in rows:
        text = f"UNIQ_KEY\x01{unique}\x02KEYS\x01{' '.join(words)}\x02TAGS\x01{tags}\x02"
        messages.append(message(topic, properties=text.encode()))
        expected.append(wanted(topic, unique, words, tags, with_tags))
    data = log_of(*messages)
    hasher = KeyHasher(tags=with_tags)
    places, pos = [], 0
    for hashes in expected:
        found = read_position(data, pos)
        assert hasher.hashes(found) == hashes
        places += [(one, 1000 + pos, START_MS) for one in hashes]
        pos += found.total_size
    keys, *rest = hasher.walk(data, 0, 1000, 100)
    assert (list(keys), *rest) == (places, len(data), len(rows))
    assert hasher.walk(data, 0, 1000, 1)[2] == 1


def met():
    """Return a hasher that knows the topic T."""
    hasher = KeyHasher(tags=True)
    hasher.hashes(read_position(log_of(message())))
    return hasher


def test_a_walk_ends_before_what_is_of_another_kind():
    first = len(log_of(message()))
    strange = [
        message(born_host=pack_host("::1", 4000)),
        message(sys_flag=TRANSACTION_PREPARED_TYPE),
        message(sys_flag=TRANSACTION_ROLLBACK_TYPE),
        message("unknown"),
        message("%RETRY%" + "g" * 140),
    ]
    for one in strange:
        assert met().walk_in_python(log_of(message(), one, message()), 0, 0, 9)[1:] == (first, 1)


def test_a_walk_ends_before_what_is_cut_off_or_damaged():
    data = log_of(message(), message())
    first = len(data) // 2
    for cut in range(first, len(data)):
        assert met().walk(data[:cut], 0, 0, 9)[1:] == (first, 1)
    lengths = (0, 4, 84, 88 + 4, 88 + 4 + 2)  # of record (and its magic), body, topic, properties
    for at in lengths:
        damaged = bytearray(data)
        damaged[first + at] ^= 0x80
        assert met().walk(bytes(damaged), 0, 0, 9)[1:] == (first, 1)
