"""Frames of sends written in one step: the bytes of the general encoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.client.config import ClientConfig
from rmqwire.client.requests import OutgoingMessage, RequestFactory, SendShape
from rmqwire.client.send_frames import MOST, SendFrames
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.command import HEADER_MAX_LENGTH, decode_command, encode_command
from rmqwire.codec.release import release_named
from rmqwire.errors import FrameTooLarge

NAMES = st.text("%|_-abegin01", min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SHAPES = st.builds(
    SendShape,
    producer_group=NAMES,
    topic=NAMES,
    flag=st.integers(-5, 5),
    sys_flag=st.integers(0, 9),
    batch=st.booleans(),
    reply=st.booleans(),
    unit_mode=st.booleans(),
    reconsume_times=st.integers(0, 3),
    max_reconsume_times=st.none() | st.integers(0, 16),
)
MESSAGES = st.builds(
    OutgoingMessage,
    shape=SHAPES,
    body=st.binary(max_size=9),
    properties=TEXTS | st.sampled_from(["KEYS\x01a\x02WAIT\x01true\x02", '"e":"1234567891"']),
)


def factory(release="5.5.0", **config):
    return RequestFactory(
        ClientConfig(namesrv_addr="127.0.0.1:9876", release=release_named(release), **config)
    )


FACTORIES = [
    factory(),
    factory("4.9.7"),
    factory(serialize_type="ROCKETMQ"),
    factory(namespace="n%s"),
    factory(enable_stream_request_type=True, namespace_v2="two"),
]


@pytest.mark.parametrize("requests", FACTORIES)
@given(messages=st.lists(MESSAGES, min_size=1, max_size=3), queue=st.integers(0, 99), broker=TEXTS)
def test_a_frame_is_what_the_general_encoder_writes(requests, messages, queue, broker):
    frames = SendFrames(requests)
    for message in messages + messages:
        place = MessageQueue(message.shape.topic, broker, queue)
        opaque, frame = frames.frame(message, place, 1_700_000_000_123)
        general = requests.send(message, place, 1_700_000_000_123)
        general.opaque = opaque
        assert frame == encode_command(general)


def test_each_frame_has_an_opaque_of_its_own():
    frames, message = SendFrames(FACTORIES[0]), OutgoingMessage(SendShape("g", "T"), b"x", "")
    sent = [frames.frame(message, MessageQueue("T", "a", 0), 1) for _ in range(3)]
    assert len({opaque for opaque, _ in sent}) == 3
    assert [decode_command(frame).opaque for _, frame in sent] == [opaque for opaque, _ in sent]


def test_more_topics_than_templates_are_kept_for_can_be_sent_to():
    frames = SendFrames(FACTORIES[0])
    for number in range(MOST + 2):
        topic = f"T{number}"
        message = OutgoingMessage(SendShape("g", topic), b"x", "")
        _, frame = frames.frame(message, MessageQueue(topic, "a", 0), 1)
        assert decode_command(frame).ext_fields["b"] == topic


def test_properties_that_no_header_holds_are_refused():
    message = OutgoingMessage(SendShape("g", "T"), b"x", "p" * HEADER_MAX_LENGTH)
    with pytest.raises(FrameTooLarge):
        SendFrames(FACTORIES[0]).frame(message, MessageQueue("T", "a", 0), 1)
