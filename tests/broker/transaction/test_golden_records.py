"""The records of a transaction are Java's: half, copy, committed, op, given up; and the check."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from rmqwire.broker.transaction import half_message as made
from rmqwire.broker.transaction.check_listener import TransactionCheckListener
from rmqwire.codec import message_const as const
from rmqwire.codec.command import decode_command
from rmqwire.codec.host import pack_host
from rmqwire.codec.record import decode_message, encode_message, peek
from rmqwire.codec.release import release_named
from rmqwire.remoting.limited_log import LimitedLog
from rmqwire.store.results import PutMessageResult
from tests.support import requests
from tests.support.broker import MemoryBroker
from tests.support.golden import GOLDEN, frame_files, frames, store_files

ARCHIVES = {
    "4.9.7": GOLDEN / "4.9.7" / "store" / "clean_shutdown.tar.gz",
    "5.5.0": GOLDEN / "5.5.0" / "transactions" / "transactions_clean.tar.gz",
}


def recorded(name):
    """Return the messages in the log of a folder of Java's that have to do with transactions."""
    found = []
    for path, data in sorted(store_files(ARCHIVES[name]).items()):
        if "commitlog/" not in path:
            continue
        at = 0
        while at + 8 < len(data) and (size := peek(data, at)[0]) > 0:
            record = data[at : at + size]
            if b"TRANS_" in record or b"TRAN_MSG" in record:
                found.append(decode_message(record))
            at += size
    return found


def same(inner, java):
    """Compare what we would store with what Java stored."""
    length = len(inner.properties)
    assert java.record.endswith(length.to_bytes(2, "big") + inner.properties)
    assert (inner.topic, inner.queue_id, inner.body) == (java.topic, java.queue_id, java.body)
    assert inner.sys_flag == java.sys_flag
    assert inner.flag == java.flag
    assert inner.prepared_transaction_offset == java.prepared_transaction_offset
    assert inner.born_timestamp == java.born_timestamp
    assert inner.born_host == pack_host(*java.born_host)


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_committed_message_is_javas(name):
    messages = recorded(name)
    halves = {half.physical_offset: half for half in messages if half.topic == made.HALF_TOPIC}
    committed = [message for message in messages if message.sys_flag & 8]
    for java in committed:
        half = halves[java.prepared_transaction_offset]
        inner, _ = made.make_committed(half, release_named(name))
        same(inner, java)
    assert len(committed) >= (1 if name == "4.9.7" else 4)


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_half_message_is_javas(name):
    release = release_named(name)
    for java in recorded(name):
        if (
            java.topic != made.HALF_TOPIC
            or const.PROPERTY_TRANSACTION_CHECK_TIMES in java.properties
        ):
            continue
        sent, properties = made.make_committed(java, release)
        properties = {const.PROPERTY_TRANSACTION_PREPARED: "true"} | properties
        properties.pop(const.PROPERTY_TRANSACTION_ID, None)
        sent.sys_flag, sent.prepared_transaction_offset = 4, 0
        made.make_half(sent, properties, release)
        same(sent, java)


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_op_is_javas(name):
    release = release_named(name)
    ops = [message for message in recorded(name) if message.topic == made.OP_TOPIC]
    for java in ops:
        host = pack_host(*java.born_host)
        same(made.make_op(made.read_op(java), host, java.born_timestamp, release), java)
    wanted = [[0], [1]] if name == "4.9.7" else [[0, 1, 3, 2, 4, 14, 13], [0]]
    assert [made.read_op(java) for java in ops] == wanted


def test_copies_of_a_half_message_are_javas():
    release = release_named("5.5.0")
    messages = recorded("5.5.0")
    chains = {}
    for message in messages:
        if message.topic in {made.HALF_TOPIC, made.GIVEN_UP_TOPIC}:
            chains.setdefault(made.transaction_of(message), []).append(message)
    assert [len(chain) for chain in chains.values()] == [4, 4, 4, 4, 4, 2, 2, 4]
    for chain in chains.values():
        for half, java in pairwise(chain):
            if java.topic == made.HALF_TOPIC:
                times = str(made.check_times(half) + 1)
                half.properties[const.PROPERTY_TRANSACTION_CHECK_TIMES] = times
            same(made.copy_of(half, java.topic, release), java)


CHECKS = [
    (path.parts[-3], frame)
    for path in frame_files("b_tx_checkback")
    for entry, frame in frames(path)
    if entry["name"] == "CHECK_TRANSACTION_STATE"
]


@pytest.mark.parametrize(("name", "frame"), CHECKS)
def test_a_check_is_javas(name, frame, tmp_path):
    """The half message is rebuilt from the check; the copy's place is known from it."""
    java, release = decode_command(frame), release_named(name)
    half = decode_message(java.body)
    place = PutMessageResult(
        0,
        physical_offset=half.physical_offset,
        queue_offset=half.queue_offset,
        message_id=java.ext_fields["offsetMsgId"],
    )
    half.topic = made.HALF_TOPIC
    half.queue_id = half.queue_offset = half.physical_offset = 0
    half.properties[const.PROPERTY_WAIT_STORE_MSG_OK] = "true"
    broker = MemoryBroker(tmp_path, release, broker_name="gold-a")
    producer = broker.connect()
    producer.call(requests.heartbeat("p1", producers=["goldpg_tx_unknown"]))
    producer.received.clear()
    state = broker.state
    log = LimitedLog(logging.getLogger(__name__))
    TransactionCheckListener(state.producers, state.config, release, log).ask(half, place)
    producer.drain()
    (ours,) = producer.received
    assert ours.body == java.body
    assert ours.ext_fields == java.ext_fields
    assert (ours.code, ours.version) == (java.code, java.version)
    assert encode_message(decode_message(ours.body), release) == java.body
    broker.close()
