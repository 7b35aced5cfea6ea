"""Plain sends written in one step, on both lanes: the bytes of the general way, and the same ids."""

from __future__ import annotations

import os
from random import Random
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rmqwire.client.config import ClientConfig
from rmqwire.client.instance import ClientInstance
from rmqwire.client.requests import RequestFactory
from rmqwire.client.send_forms import (
    NOT_IN_BATCHES,
    NOT_PLAIN,
    PlainBatchForm,
    PlainSendForm,
    batch_form,
)
from rmqwire.client.send_frames import SendFrames
from rmqwire.codec import native
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.message import Message
from rmqwire.codec.message_id import UniqueIdGenerator
from rmqwire.codec.release import release_named
from rmqwire.errors import RmqError
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.outgoing import Accumulation, Outbound
from rmqwire.producer.send_writer import SendWriter, read_again

LANES = [
    pytest.param(native.PYTHON),
    pytest.param(
        native.NATIVE, marks=pytest.mark.skipif(bool(native.module_fault()), reason="not installed")
    ),
]
SOME = hypothesis_settings(max_examples=40)  # of each of ten ways: lanes and configurations
NOW = 1_700_000_000_123
QUEUE = MessageQueue("T", "a", 3)

names = st.sampled_from(
    ["KEYS", "TAGS", "WAIT", "UNIQ_KEY", "", "%d", "a\x01", *sorted(NOT_IN_BATCHES)]
)
texts = st.text(max_size=9) | st.sampled_from(
    [
        "true",
        "false",
        "x y",
        '"q"\\',
        "\x7f",
        "é\u2028",
        "\x01",
        "\x02",
        "a\nb\t\r\x1f",
        "\ud800",
        "€",
    ]
)
properties = st.dictionaries(names | st.text(max_size=5), texts, max_size=5)
bodies = st.binary(max_size=40) | st.sampled_from([b"x" * 5000])
topics = st.sampled_from(["T", "T", "T", "%RETRY%g", "bad topic", "SCHEDULE_TOPIC_XXXX"])


@st.composite
def messages(draw):
    message = Message(draw(topics), draw(bodies), flag=draw(st.sampled_from([0, 0, 7, -1])))
    if draw(st.booleans()):
        message.properties.clear()
    message.properties |= draw(properties)
    return message


def copied(message):
    copy = Message(message.topic, message.body, flag=message.flag)
    copy.properties = dict(message.properties)
    return copy


class Writing:
    """The ways of one producer's requests; ``general`` knows no form."""

    def __init__(self, lane, config):
        ids = UniqueIdGenerator(b"\x7f\0\0\1", 1, lambda: NOW)
        self.requests = RequestFactory(config)
        with mock.patch.dict(os.environ, {native.SWITCH: lane}):
            self.outbound = Outbound("g", config, ids)
        self.lane, self.unique_ids, self.api = lane, ids, self
        self.frames = SendFrames(self.requests)
        self.writer = SendWriter(self.outbound, config, self)

    def wall_ms(self):
        return NOW

    def written(self, message, queue=QUEUE):
        with mock.patch.dict(os.environ, {native.SWITCH: self.lane}):
            shape, msg_id, opaque, frame = self.writer.write(message, queue)
        prepared = read_again(message, shape, msg_id, frame)
        again = self.requests.send(prepared.outgoing, queue, NOW)
        again.opaque = opaque
        assert encode_command(again) == frame, "another attempt sends the same"
        return msg_id, without_opaque(frame)

    def general(self, message, queue=QUEUE):
        if isinstance(message, Message):
            prepared = self.outbound.single(message)
        else:
            with mock.patch.object(self.outbound, "_plain_batch", return_value=None):
                prepared = self.outbound.batch(message)
        command = self.requests.send(prepared.outgoing, queue, NOW)
        return prepared.msg_id, without_opaque(encode_command(command))


def without_opaque(frame):
    command = decode_command(frame)
    command.opaque = 0
    return encode_command(command)


def outcome(way, message):
    try:
        return way(message)
    except RmqError as error:
        return type(error), str(error)


CONFIGS = [
    {},
    {"release": release_named("4.9.7")},
    {"namespace": "n"},
    {"serialize_type": "ROCKETMQ"},
    {"max_message_size": 30},
]


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("settings", CONFIGS)
@SOME
@given(message=messages())
def test_a_send_is_what_the_general_way_makes_of_it(lane, settings, message):
    config = ProducerConfig(namesrv_addr="127.0.0.1:9876", **settings)
    other = copied(message)
    told = outcome(Writing(lane, config).general, other)
    assert outcome(Writing(lane, config).written, message) == told
    assert list(message.properties.items()) == list(other.properties.items())


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("settings", CONFIGS)
@SOME
@given(batch=st.lists(messages(), max_size=4), twice=st.booleans(), together=st.booleans())
def test_a_batch_is_what_the_general_way_makes_of_it(lane, settings, batch, twice, together):
    config = ProducerConfig(namesrv_addr="127.0.0.1:9876", **settings)
    others = [copied(one) for one in batch]
    if twice and batch:
        batch.append(batch[0])
        others.append(others[0])
    kind = Accumulation if together else list
    told = outcome(Writing(lane, config).general, kind(others))
    assert outcome(Writing(lane, config).written, kind(batch)) == told
    if not isinstance(told[0], type):  # nobody is told of the ids of what was refused
        assert [one.properties for one in batch] == [one.properties for one in others]


@pytest.mark.parametrize("lane", LANES)
def test_the_ids_of_a_batch_and_of_what_comes_after_it_go_on(lane):
    writing = Writing(lane, ProducerConfig(namesrv_addr="127.0.0.1:9876"))
    ids = [writing.written(Message("T", b"x"))[0]]
    ids += writing.written([Message("T", b"x"), Message("T", b"y")])[0].split(",")
    ids.append(writing.written(Message("T", b"x"))[0])
    assert [one[-4:] for one in ids] == ["0000", "0001", "0002", "0004"]
    assert len({one[:-4] for one in ids}) == 1


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("odd", sorted(NOT_IN_BATCHES))
def test_what_a_batch_can_not_have_leaves_its_messages_as_they_were(lane, odd):
    with mock.patch.dict(os.environ, {native.SWITCH: lane}):
        form = batch_form(1000, release_named("5.5.0"))
    good, bad = Message("T", b"x"), Message("T", b"x")
    bad.properties[odd] = "1"
    before = dict(good.properties)
    assert form.write([good, bad], "HEAD", 0) is None
    assert good.properties == before


def test_the_python_forms_know_what_is_not_plain():
    release = release_named("5.5.0")
    form = PlainSendForm((b"{", b"", b"", b"", b"}"), 10, release)
    for body, found in [(b"", {}), (b"x" * 11, {}), *((b"x", {odd: "1"}) for odd in NOT_PLAIN)]:
        assert form.write(found, body, 0, 0, 0, "", 0) is None
    assert PlainBatchForm(10, release).write([Message("T", b"x" * 11)], "", 0) is None


async def test_clients_of_one_process_have_ids_of_their_own():
    config = ClientConfig(namesrv_addr="127.0.0.1:9876")
    one, other = (ClientInstance(config, rng=Random(seed)) for seed in (1, 2))
    assert one.unique_ids.next()[:-4] != other.unique_ids.next()[:-4]
