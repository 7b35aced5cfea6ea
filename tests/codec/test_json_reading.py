"""Our reader against what Java's jars read: every kind of field in every shape, as recorded."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec import bodies, java_json
from rmqwire.codec.bodies import (
    ConsumerOffsetSerializeWrapper,
    ConsumeStats,
    HeartbeatData,
    MessageQueue,
    SubscriptionData,
    TopicConfig,
    TopicConfigSerializeWrapper,
)
from rmqwire.codec.json_fields import read_body
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from rmqwire.errors import BadBody
from tests.support.golden import RELEASE_NAMES
from tests.support.json_reading import our_reading, recorded_readings

CPP_HEARTBEAT = (  # as the C++ client of PyPI's rocketmq 0.4.4 sends it
    b'{"clientID":"10115-127.0.0.1@DEFAULT","consumerDataSet":[{"consumeFromWhere":0,"consumeType":1,'
    b'"groupName":"CG_cpp","messageModel":1,"subscriptionDataSet":[{"subString":"*",'
    b'"subVersion":"1795948296278","topic":"%RETRY%CG_cpp"},{"codeSet":[0,0],"subString":"a || b",'
    b'"subVersion":"1795948296278","tagsSet":["a","b"],"topic":"TCpp"}]}],'
    b'"producerDataSet":[{"groupName":"PG_cpp"}]}\n'
)


@pytest.mark.parametrize("version", RELEASE_NAMES)
def test_every_recorded_text_is_read_as_java_reads_it(version):
    readings = recorded_readings(version)
    assert len(readings) > 2000
    release = RELEASES[version]
    different = [
        (name, text, value, ours)
        for name, text, value in readings
        if (ours := our_reading(name, text, release)) != value
    ]
    assert different == []


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=["4.9.7", "5.5.0"])
def test_the_heartbeat_of_the_cpp_client_is_read(release):
    heartbeat = HeartbeatData.decode(CPP_HEARTBEAT, release)
    (consumer,) = heartbeat.consumer_data_set
    assert (consumer.consume_type, consumer.message_model, consumer.consume_from_where) == (
        "CONSUME_PASSIVELY", "CLUSTERING", "CONSUME_FROM_LAST_OFFSET",
    )  # fmt: skip
    assert consumer.subscription_data_set[1] == SubscriptionData(
        topic="TCpp", sub_string="a || b", tags_set=["a", "b"], code_set=[0, 0],
        sub_version=1795948296278,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "in_4_9_7", "in_5_5_0"),
    [
        ('{"Perm":4}', 4, 6),  # names in any case
        ('{"perm":null}', 6, 0),  # null for a plain number
        ('{"perm":""}', 6, 0),
    ],
)
def test_where_the_releases_make_different_values_each_has_its_own(text, in_4_9_7, in_5_5_0):
    assert TopicConfig.decode(text.encode(), V4_9_7).perm == in_4_9_7
    assert TopicConfig.decode(text.encode(), V5_5_0).perm == in_5_5_0


TYPES = "CONSUME_ACTIVELY, CONSUME_PASSIVELY, CONSUME_POP"
UNREADABLE = [
    (HeartbeatData, '{"consumerDataSet":[{},{"unitMode":{"a":1}}]}',
     ".consumerDataSet[1].unitMode: an object of 1 where a boolean belongs"),
    (HeartbeatData, '{"consumerDataSet":[{"consumeType":7}]}',
     f".consumerDataSet[0].consumeType: the number 7 where one of {TYPES} belongs"),
    (TopicConfigSerializeWrapper, '{"topicConfigTable":{"T":{"readQueueNums":"many"}}}',
     ".topicConfigTable['T'].readQueueNums: the text 'many' where a number of 32 bits belongs"),
    (ConsumerOffsetSerializeWrapper, '{"offsetTable":{"t@g":{0:9223372036854775808}}}',
     ".offsetTable['t@g']['0']: the number 9223372036854775808 where a number of 64 bits belongs"),
    (ConsumerOffsetSerializeWrapper, '{"offsetTable":{"t@g":{0:null}}}',
     ".offsetTable['t@g']['0']: null where a key and a value belongs"),
    (TopicConfig, "[1,2]", ": a list of 2 where an object belongs"),
    (TopicConfig, "null", ": null where an object belongs"),
    (TopicConfig, '{"perm":"' + "x" * 999 + '"}',
     f".perm: the text '{'x' * 60}...' where a number of 32 bits belongs"),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "text", "said"), UNREADABLE)
def test_what_cannot_be_read_is_named_by_its_path_and_shape(cls, text, said):
    with pytest.raises(BadBody) as caught:
        cls.decode(text.encode())
    assert str(caught.value) == cls.__name__ + said


@pytest.mark.parametrize(
    "text",
    ['{"perm":1e999999999}', '{"perm":"1e9999"}', '{"perm":' + "9" * 5000 + "}", '{"perm":"' + "9" * 5000 + '"}'],
    ids=["exponent", "exponent in quotes", "digits", "digits in quotes"],
)  # fmt: skip
def test_numbers_that_nobody_can_mean_are_refused_at_once(text):
    with pytest.raises(BadBody):
        TopicConfig.decode(text.encode())


def test_text_keys_of_other_languages_are_opened():
    queue = MessageQueue("t", "b", 3)
    text = json.dumps({"offsetTable": {'{"topic":"t","brokerName":"b","queueId":"3"}': {}}})
    assert list(ConsumeStats.decode(text.encode()).offset_table) == [queue]


ALL = [cls for name in bodies.__all__ if issubclass(cls := getattr(bodies, name), bodies.Body)]


def test_every_body_can_be_read_leniently():
    for cls in ALL:
        for fastjson in (1, 2):
            assert isinstance(read_body(cls, {}, fastjson), cls)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.text(max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["1", "true", "TAG", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=200)
@given(st.data(), st.sampled_from([HeartbeatData, TopicConfigSerializeWrapper, ConsumeStats]))
def test_one_step_or_field_by_field_is_the_same(data, cls):
    names = [field.encode_name for field in msgspec.structs.fields(cls)]
    text = json.dumps(data.draw(st.dictionaries(st.sampled_from(names), JSON_VALUES))).encode()
    for release in (V4_9_7, V5_5_0):
        value = java_json.loads_spelled(text)
        slow = outcome(read_body, cls, value, release.wire.fastjson)
        assert outcome(cls.decode, text, release) == slow


def outcome(read, *args):
    try:
        return read(*args)
    except BadBody as error:
        return str(error)
