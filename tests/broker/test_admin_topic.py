from __future__ import annotations

import pytest

from rmqwire.codec import java_json
from rmqwire.codec.bodies import CreateTopicListRequestBody, TopicConfig
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.headers import (
    CreateTopicRequestHeader,
    DeleteTopicRequestHeader,
    GetAllTopicConfigRequestHeader,
    GetTopicConfigRequestHeader,
    GetTopicStatsInfoRequestHeader,
)
from rmqwire.codec.release import V4_9_7


def create(topic: str = "orders", **changes: object) -> CreateTopicRequestHeader:
    fields: dict[str, object] = {
        "topic": topic,
        "default_topic": "TBW102",
        "read_queue_nums": 4,
        "write_queue_nums": 3,
        "perm": 6,
        "topic_filter_type": "SINGLE_TAG",
        "order": False,
    }
    return CreateTopicRequestHeader(**(fields | changes))


def test_create_and_change(admin_broker):
    broker = admin_broker()
    answer = broker.ask(R.UPDATE_AND_CREATE_TOPIC, create(attributes="+message.type=FIFO"))
    assert (answer.code, answer.remark) == (0, "not set any response code")
    config = broker.state.topics.select("orders")
    assert (config.read_queue_nums, config.write_queue_nums) == (4, 3)
    assert config.attributes == {"message.type": "FIFO"}
    assert broker.registrations > 0
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create(order=True, write_queue_nums=8))
    config = broker.state.topics.select("orders")
    assert (config.order, config.write_queue_nums) == (True, 8)
    assert config.attributes == {"message.type": "FIFO"}


def test_creating_it_again_is_no_change(admin_broker):
    broker = admin_broker()
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create())
    before = broker.state.topics.data_version.counter
    assert broker.ask(R.UPDATE_AND_CREATE_TOPIC, create()).code == 0
    assert broker.state.topics.data_version.counter == before


def test_4_9_ignores_order_and_attributes(admin_broker):
    broker = admin_broker(V4_9_7)
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create(order=True, attributes="+message.type=FIFO"))
    config = broker.state.topics.select("orders")
    assert (config.order, config.attributes) == (False, {})


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("../x", "contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"),
        ("a b", "contains illegal characters"),
        ("x" * 128, "is longer than topic max length: 127"),
        ("TBW102", "The topic[TBW102] is conflict with system topic."),
        ("gold-a", "is conflict with system topic."),
        ("rmq_sys_anything", "is conflict with system topic."),
    ],
)
def test_names_that_may_not_be(admin_broker, topic, said):
    broker = admin_broker()
    for answer in (
        broker.ask(R.UPDATE_AND_CREATE_TOPIC, create(topic)),
        broker.ask(R.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader(topic=topic)),
    ):
        assert answer.code == 29
        assert said in answer.remark
    old = admin_broker(V4_9_7).ask(R.UPDATE_AND_CREATE_TOPIC, create(topic))
    assert old.code == 1


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("message.type=FIFO", "add/alter attribute format is wrong: message.type"),
        ("+no.such=1", "unsupported key: no.such"),
        ("-message.type", "only add attribute is supported while creating topic"),
        ("+message.type=MIXED", "MIXED message type is not supported."),
        ("+cleanup.policy=COMPACTION", "cleanup.policy=COMPACTION is not supported."),
    ],
)
def test_attributes_that_may_not_be(admin_broker, attributes, said):
    broker = admin_broker()
    answer = broker.ask(R.UPDATE_AND_CREATE_TOPIC, create(attributes=attributes))
    assert answer.code in (1, 29)
    assert said in answer.remark
    assert broker.state.topics.select("orders") is None


def test_topics_of_mixed_types_may_be_allowed(admin_broker):
    broker = admin_broker()
    broker.state.config.enable_mixed_message_type = True
    request = create(attributes="+message.type=MIXED")
    assert broker.ask(R.UPDATE_AND_CREATE_TOPIC, request).code == 0
    assert broker.state.topics.select("orders").attributes == {"message.type": "MIXED"}


def test_a_list_is_created_as_a_whole(admin_broker):
    broker = admin_broker()
    good = [TopicConfig(topic_name="a"), TopicConfig(topic_name="b")]
    body = CreateTopicListRequestBody(topic_config_list=good).encode()
    assert broker.ask(R.UPDATE_AND_CREATE_TOPIC_LIST, body=body).code == 0
    assert {"a", "b"} <= set(broker.state.topics.table)
    bad = [TopicConfig(topic_name="c"), TopicConfig(topic_name="../d")]
    body = CreateTopicListRequestBody(topic_config_list=bad).encode()
    assert broker.ask(R.UPDATE_AND_CREATE_TOPIC_LIST, body=body).code == 29
    assert "c" not in broker.state.topics.table


def test_deleting_a_topic_takes_messages_offsets_and_retry_topics(admin_broker):
    broker = admin_broker()
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create())
    broker.put("orders", 0, 3)
    broker.state.offsets.commit("c", "g", "orders", 0, 2)
    broker.state.topics.create_topic_in_send_message_back("%RETRY%g_orders", 1, 6, 0)
    broker.state.stats.put("orders", 0, 3, 30, 1)
    assert broker.ask(R.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader(topic="orders")).code == 0
    assert broker.state.topics.select("orders") is None
    assert broker.state.topics.select("%RETRY%g_orders") is None
    assert broker.state.offsets.query("g", "orders", 0) == -1
    assert broker.state.store.max_offset("orders", 0) == 0
    assert broker.state.stats.find("TOPIC_PUT_NUMS", "orders") is None


def test_get_one(admin_broker):
    broker = admin_broker()
    missing = broker.ask(R.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader(topic="orders"))
    assert (missing.code, missing.remark) == (17, "No topic in this broker. topic: orders")
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create())
    found = broker.ask(R.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader(topic="orders"))
    assert TopicConfig.decode(bytes(found.body)) == broker.state.topics.select("orders")
    old = admin_broker(V4_9_7).ask(R.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader(topic="x"))
    assert (old.code, old.remark) == (3, " request type 351 not supported")


def test_all_in_pieces(admin_broker):
    broker = admin_broker()
    version = broker.state.topics.data_version.encode().decode()
    names: list[str] = []
    while True:
        header = GetAllTopicConfigRequestHeader(
            topic_seq=len(names), data_version=version, max_topic_num=4
        )
        answer = broker.ask(R.GET_ALL_TOPIC_CONFIG, header)
        piece = java_json.loads(bytes(answer.body))["topicConfigTable"]
        names += sorted(piece)
        if len(names) == int(answer.ext_fields["totalTopicNum"]):
            break
        assert len(piece) == 4
    assert names == sorted(broker.state.topics.table)
    # a changed table is given from its beginning
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create())
    header = GetAllTopicConfigRequestHeader(topic_seq=9, data_version=version, max_topic_num=2)
    piece = java_json.loads(bytes(broker.ask(R.GET_ALL_TOPIC_CONFIG, header).body))
    assert sorted(piece["topicConfigTable"]) == sorted(broker.state.topics.table)[:2]
    # pieces are no larger than the broker's own limit, and there are none without enableSplitMetadata
    broker.state.config.split_metadata_size = 1
    piece = java_json.loads(bytes(broker.ask(R.GET_ALL_TOPIC_CONFIG, header).body))
    assert sorted(piece["topicConfigTable"]) == sorted(broker.state.topics.table)[:1]
    broker.state.config.enable_split_metadata = False
    piece = java_json.loads(bytes(broker.ask(R.GET_ALL_TOPIC_CONFIG, header).body))
    assert sorted(piece["topicConfigTable"]) == sorted(broker.state.topics.table)


def test_ends_of_queues(admin_broker):
    broker = admin_broker()
    header = GetTopicStatsInfoRequestHeader(topic="orders")
    missing = broker.ask(R.GET_TOPIC_STATS_INFO, header)
    assert (missing.code, missing.remark) == (17, "topic[orders] not exist")
    broker.ask(R.UPDATE_AND_CREATE_TOPIC, create())
    broker.put("orders", 1, 3)
    table = java_json.loads(bytes(broker.ask(R.GET_TOPIC_STATS_INFO, header).body))["offsetTable"]
    ends = {
        queue["queueId"]: (at["maxOffset"], at["lastUpdateTimestamp"])
        for queue, at in table.items()
    }
    assert ends == {0: (0, 0), 1: (3, 1_700_000_002_000), 2: (0, 0), 3: (0, 0)}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"topicConfigList":5}'])
def test_a_body_that_cannot_be_read(admin_broker, body):
    assert admin_broker().ask(R.UPDATE_AND_CREATE_TOPIC_LIST, body=body).code != 0


@pytest.mark.parametrize("field", ["read_queue_nums", "write_queue_nums"])
@pytest.mark.parametrize("number", [-1, 65_537, 2**31 - 1])
def test_no_topic_has_more_queues_than_can_be_looked_through(admin_broker, field, number):
    broker = admin_broker()
    answer = broker.ask(R.UPDATE_AND_CREATE_TOPIC, create(**{field: number}))
    assert answer.code == 29
    assert answer.remark.endswith(f"[{number}] is illegal, allowing only 0 to 65536")
    assert "orders" not in broker.state.topics.table


def test_a_list_with_one_topic_of_too_many_queues_creates_none(admin_broker):
    broker = admin_broker()
    body = CreateTopicListRequestBody(
        topic_config_list=[
            TopicConfig(topic_name="good"),
            TopicConfig(topic_name="bad", read_queue_nums=-5),
        ]
    )
    answer = broker.ask(R.UPDATE_AND_CREATE_TOPIC_LIST, body=body.encode())
    assert (answer.code, answer.remark[:18]) == (29, "readQueueNums[-5] ")
    assert "good" not in broker.state.topics.table
