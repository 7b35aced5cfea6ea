"""Every JSON body against the text that Java's class wrote, and against the recordings."""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec import bodies, java_json
from rmqwire.codec.bodies import (
    BrokerData,
    BrokerIdentity,
    ConsumerOffsetSerializeWrapper,
    ConsumeStats,
    DataVersion,
    HeartbeatData,
    KVTable,
    MessageQueue,
    OffsetWrapper,
    QueueData,
    QueueTimeSpan,
    TopicConfig,
    TopicRouteData,
)
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from rmqwire.errors import BadBody

DATA = Path(__file__).parent.parent / "data"
TABLE = json.loads((DATA / "protocol/bodies.json").read_text("utf-8"))
# The header of a frame is a RemotingCommand: codec/command.py has it.
NOT_HERE = {"RemotingCommand"}
RENAMED = {
    "PlainAccessData.DataVersion": "PlainAccessDataVersion",
    "ConsumerOffsetManager": "ConsumerOffsetTable",
    "TopicConfigManager": "TopicConfigSerializeWrapper",
    "SubscriptionGroupManager": "SubscriptionGroupWrapper",
    "TimerMetrics": "TimerMetricsSerializeWrapper",
}
NOW = "${now}"


def body_class(name):
    return getattr(bodies, RENAMED.get(name, name.rsplit(".", maxsplit=1)[-1]))


def texts(kind):
    return [
        pytest.param(name, RELEASES[release], entry[kind], id=f"{name}-{release}")
        for name, versions in TABLE["bodies"].items()
        for release, entry in versions.items()
        if name not in NOT_HERE and release in RELEASES and entry.get(kind)
    ]


def test_every_body_of_the_table_has_a_class():
    missing = [n for n in TABLE["bodies"] if n not in NOT_HERE and not body_class(n)]
    assert not missing
    assert len(TABLE["bodies"]) == 129


@pytest.mark.parametrize(("name", "release", "text"), texts("sample"))
def test_java_text_comes_back_byte_for_byte(name, release, text):
    body = body_class(name).decode(text.encode())
    if name == "BrokerIdentity":  # Java can't read its own text back either: a getter decides
        body.is_broker_container = True
    assert body.encode(release).decode() == text


@pytest.mark.parametrize(("name", "release", "text"), texts("persisted_or_sent_text"))
def test_the_text_of_a_brokers_table_comes_back(name, release, text):
    text = text.replace(NOW, "1700000000123")
    assert body_class(name).decode(text.encode()).encode(release).decode() == text


@pytest.mark.parametrize(("name", "release", "text"), texts("persisted_pretty_text"))
def test_the_file_of_a_brokers_table_comes_back(name, release, text):
    text = text.replace(NOW, "1700000000123")
    body = body_class(name).decode(text.encode())
    assert body.encode(release, pretty=True).decode() == text


# Java has no constructor without arguments here; the table's instance is filled with 42 and "str".
FILLED = {"MessageQueueForC", "ProducerInfo", "BrokerSyncInfo", "EpochEntry", "ReplicaIdentity"}
FILLED |= {"ReplicasInfo", "EpochEntryCache", "RoleChangeNotifyEntry", "SimpleSubscriptionData"}
FILLED |= {"TopicQueueMappingOne"}


def without_empty(value):
    return {key: item for key, item in value.items() if item not in ([], {})}


def fresh_instances():
    rows = texts("default_instance")
    return [row for row in rows if body_class(row.values[0]).__name__ not in FILLED]


@pytest.mark.parametrize(("name", "release", "text"), fresh_instances())
def test_a_fresh_instance_is_javas(name, release, text):
    cls = body_class(name)
    ours = java_json.loads(
        (cls(broker_name="vm") if cls is BrokerIdentity else cls()).encode(release)
    )
    java = java_json.loads(text.replace(NOW, "0"))
    # Where Java starts with null for a table ours starts empty: nobody has to ask for None.
    assert without_empty(ours) == without_empty(java)
    assert set(ours) >= set(java) or release is V4_9_7


def test_the_same_object_twice_is_a_reference_in_4_9_7_only():
    (sample,) = [s for s in TABLE["special_samples"]["4.9.7"] if "twice" in s["name"]]
    broker = BrokerData(
        cluster="DefaultCluster",
        broker_name="broker-a",
        broker_addrs={0: "127.0.0.1:10911", 1: "127.0.0.1:10921"},
    )
    queue = QueueData(broker_name="broker-a", read_queue_nums=8, write_queue_nums=8, perm=6)
    route = TopicRouteData(broker_datas=[broker, broker], queue_datas=[queue, queue])
    text = route.encode(V4_9_7).decode().replace('"filterServerTable":{},', "")
    assert text == sample["text"]
    assert "$ref" not in route.encode(V5_5_0).decode()
    assert TopicRouteData.decode(sample["text"].encode()) == route


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=["4.9.7", "5.5.0"])
def test_special_samples_come_back(release):
    classes = [TopicRouteData, TopicRouteData, None, KVTable]
    samples = [s["text"] for s in TABLE["special_samples"][release.name]]
    for number, cls in enumerate(classes):
        if cls is not None:
            body = cls.decode(samples[number].encode())
            assert body.encode(release, standard=number == 1).decode() == samples[number]


def test_keys_may_be_text_of_an_object_or_of_a_number():
    queue = MessageQueue("t", "b", 3)
    text = b'{"offsetTable":{"{\\"brokerName\\":\\"b\\",\\"queueId\\":3,\\"topic\\":\\"t\\"}":{"brokerOffset":"7"}}}'
    assert ConsumeStats.decode(text).offset_table == {queue: OffsetWrapper(broker_offset=7)}
    assert BrokerData.decode(b'{"brokerAddrs":{"0":"a:1"}}').broker_addrs == {0: "a:1"}
    assert BrokerData.decode(b'{brokerAddrs:{0:"a:1"},}').broker_addrs == {0: "a:1"}


def test_text_that_looks_like_a_bare_key_stays_as_it_is():
    table = {"{1:": ",2:", ',3: "': "x", "back\\slash,4:": "{5:"}
    assert KVTable.decode(KVTable(table=table).encode()).table == table
    text = b'{"offsetTable":{",1:@{2:":{ -1 : 5,7:8}}}'
    offsets = ConsumerOffsetSerializeWrapper.decode(text).offset_table
    assert offsets == {",1:@{2:": {-1: 5, 7: 8}}


def test_nulls_and_unknown_properties_leave_the_default():
    text = b'{"perm":null,"topicName":"t","attributes":null,"new":[{}]}'
    assert TopicConfig.decode(text, V4_9_7) == TopicConfig(topic_name="t")
    assert TopicConfig.decode(text, V5_5_0) == TopicConfig(topic_name="t", perm=0)  # fastjson2


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"1", b"null", b"{", b'{"perm":"x"}', b'{"perm":3000000000}', b'{"perm":[1,2]}',
        b'{"order":{"a":1}}', b'{"attributes":{"a":1},"perm":"1 2"}', b"\xff", b'{"a":' * 5000, b"[" * 99999,
        b'{"perm":' + b"9" * 5000 + b"}", b'{"order":{"$ref":"$"}}', b'{"attributes":{"a":{"$ref":".."}}}',
    ],
)  # fmt: skip
def test_nonsense_is_a_bad_body(text):
    with pytest.raises(BadBody):
        TopicConfig.decode(text)


def test_message_queues_sort_by_topic_broker_and_number():
    queues = [MessageQueue("b", "a", 0), MessageQueue("a", "b", 1), MessageQueue("a", "a", 10)]
    queues.append(MessageQueue("a", "a", 9))
    assert sorted(queues) == [queues[3], queues[2], queues[1], queues[0]]
    assert len(set(queues) | {MessageQueue("b", "a", 0)}) == 4


def test_next_version_counts():
    version = DataVersion()
    version.next_version(1700000000123)
    version.next_version(1700000000124, state_version=2)
    assert version == DataVersion(state_version=2, timestamp=1700000000124, counter=2)


def test_a_time_beyond_the_calendar_is_shown_as_it_is():
    assert QueueTimeSpan(max_time_stamp=1 << 62).max_time_stamp_str == str(1 << 62)


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text('{}[]":,0123456789abc$ref.', max_size=60).map(str.encode))
def test_decode_raises_nothing_but_bad_body(data):
    for cls in (HeartbeatData, TopicRouteData, ConsumeStats):
        try:
            cls.decode(data)
        except BadBody:
            continue


# ---- the recordings ---------------------------------------------------------------------------


@cache
def body_names():
    """Return the body classes of each request code: {code: (request class, response class)}."""
    known = {}
    for row in json.loads((DATA / "protocol/request_codes.json").read_text("utf-8"))["codes"]:
        pair = [str(row.get(kind)).split(" ")[0] for kind in ("request_body", "response_body")]
        known[row["name"]] = [n if n in bodies.__all__ else None for n in pair]
    return known


def recorded_bodies(folder):
    for path in sorted((DATA / "golden" / folder).glob("**/*.jsonl*")):
        data = path.read_bytes()
        for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
            record = json.loads(line)
            frame = base64.b64decode(record["frame_b64"])
            head = int.from_bytes(frame[4:8]) & 0xFFFFFF
            if len(frame) > 8 + head:
                yield path.name, record, frame[8 + head :]


HAND_MADE = {"acl2_codes.jsonl.gz"}  # requests with only as much of a body as a refusal needs
SKIPPED = {"REGISTER_BROKER"}  # both of its forms: test_register_body.py


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_every_recorded_body_comes_back(release):
    seen = set()
    for scenario, record, body in recorded_bodies(release):
        pair = body_names().get(record["name"], (None, None))
        name = pair[record["kind"] == "response"]
        if name is None or record["name"] in SKIPPED or body[:1] not in {b"{", b"["}:
            continue
        if scenario in HAND_MADE and record["kind"] == "request":
            continue
        seen.add(name)
        cls = getattr(bodies, name)
        decoded = cls.decode(body)
        text = decoded.encode(RELEASES[release])
        if text != body:  # another spelling of the same (standard JSON, a client's own fields)
            assert cls.decode(text) == decoded, (scenario, record["name"])
            known = java_json.loads(text)
            assert set(known) - set(java_json.loads(body)) <= {"onlyThisBroker"}, scenario
    assert len(seen) > 20


def test_a_list_of_bodies_is_read_and_nothing_is_none():
    names = [MessageQueue("T", "a", 1), MessageQueue("T", "b", 2)]
    text = b"[%s]" % b",".join(name.encode() for name in names)
    assert MessageQueue.decode_list(text) == names
    assert MessageQueue.decode_list(b"") == MessageQueue.decode_list(b"null") == []
    with pytest.raises(BadBody, match="not a list"):
        MessageQueue.decode_list(b'{"topic":"T"}')
