"""Frames of pulls written in one step: the bytes of the general encoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.client.pull_frames import PullFrames
from rmqwire.client.requests import PullOptions
from rmqwire.codec.bodies import MessageQueue, SubscriptionData
from rmqwire.codec.command import encode_command
from tests.client.test_send_frames import FACTORIES, NAMES, TEXTS

SUBSCRIPTIONS = st.builds(
    SubscriptionData,
    topic=NAMES,
    sub_string=TEXTS | st.just('"queueOffset":"1234567891"'),
    sub_version=st.integers(0, 2),
    expression_type=st.sampled_from(["TAG", "SQL92"]),
)
PULLS = st.builds(
    PullOptions,
    queue=st.builds(MessageQueue, NAMES, NAMES, st.integers(0, 3)),
    queue_offset=st.integers(-1, 2**62),
    max_msg_nums=st.integers(1, 99),
    max_msg_bytes=st.none() | st.just(262_144),
    sys_flag=st.integers(0, 15),
    commit_offset=st.integers(-1, 2**62),
    suspend_timeout_ms=st.just(15_000),
    subscription=SUBSCRIPTIONS,
    send_expression=st.booleans(),
    sub_version=st.none() | st.just(7),
)


@pytest.mark.parametrize("requests", FACTORIES)
@given(group=NAMES, pulls=st.lists(PULLS, min_size=1, max_size=3), offset=st.integers(0, 99))
def test_a_frame_is_what_the_general_encoder_writes(requests, group, pulls, offset):
    frames = PullFrames(requests, group)
    for pull in pulls:
        for at in (pull.queue_offset, offset):
            pull.queue_offset = at
            opaque, frame = frames.frame(pull)
            general = requests.pull(group, pull)
            general.opaque = opaque
            assert frame == encode_command(general)
