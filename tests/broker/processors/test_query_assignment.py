"""Which queues a broker gives to the members of a group, as Java's gave them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rmqwire.broker.processors.query_assignment import allocate_for_pop
from rmqwire.codec import java_json
from rmqwire.codec.allocation import allocate_averagely
from rmqwire.codec.bodies import MessageQueue, SubscriptionData
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import V4_9_7
from tests.support import requests
from tests.support.broker import MemoryBroker
from tests.support.golden import GOLDEN

if TYPE_CHECKING:
    from pathlib import Path

OBSERVED = json.loads((GOLDEN / "5.5.0" / "JSON-pop" / "observed.json").read_text())
SHARES = OBSERVED["assignment"]
ASKED = [case for case in OBSERVED["assignment_other"] if isinstance(case["request"], dict)]
QUERY, SET_MODE, ALL_MODES = (
    RequestCode.QUERY_ASSIGNMENT,
    RequestCode.SET_MESSAGE_REQUEST_MODE,
    RequestCode.GET_ALL_MESSAGE_REQUEST_MODE,
)


@pytest.fixture
def broker(tmp_path: Path):
    made = MemoryBroker(tmp_path, broker_name="gold-a")
    admin = made.connect()
    for topic, queues in (("qa8", 8), ("%RETRY%ga_other", 1)):
        admin.call(requests.create_topic(topic, queues=queues))
        made.state.topic_routes.found(topic, queues_of(topic, queues))
    for name in ("c1", "c2", "c3"):
        made.connect().call(
            requests.heartbeat(f"127.0.0.1@{name}", {"ga_other": [SubscriptionData(topic="qa8")]})
        )
    yield made
    made.close()


def queues_of(topic: str, count: int) -> set[MessageQueue]:
    return {MessageQueue(topic, "gold-a", queue_id) for queue_id in range(count)}


def query(**fields: object) -> RemotingCommand:
    asked = {
        "topic": "qa8",
        "consumerGroup": "ga_other",
        "clientId": "127.0.0.1@c1",
        "strategyName": "AVG",
        "messageModel": "CLUSTERING",
    }
    return RemotingCommand(int(QUERY), None, json.dumps(asked | fields).encode())


def set_mode(topic: str, group: str, mode: str = "POP", share: int = -1) -> RemotingCommand:
    body = {"topic": topic, "consumerGroup": group, "mode": mode, "popShareQueueNum": share}
    return RemotingCommand(int(SET_MODE), None, json.dumps(body).encode())


def given(answer: RemotingCommand) -> object:
    """Show an answer as the record does, sorted: Java's is in the order of a set."""
    body = java_json.loads(answer.body)
    if not isinstance(body, dict) or not body:
        return body
    found = body["messageQueueAssignments"]
    return sorted([entry["mode"], entry["messageQueue"]["queueId"]] for entry in found)


@pytest.mark.parametrize("case", SHARES, ids=lambda case: f"{case['queues']}q{case['clients']}c")
def test_members_that_pop_share_queues_as_java_shares_them(case):
    names = [f"127.0.0.1@c{number}" for number in range(1, case["clients"] + 1)]
    queues = sorted(queues_of("t", case["queues"]))
    mine = names[case["client"] - 1]
    part = allocate_for_pop(allocate_averagely, mine, queues, names, case["popShareQueueNum"])
    assert sorted({queue.queue_id for queue in part}) == sorted(
        queue_id for _, queue_id, _ in case["assignments"]
    )


def test_more_members_than_queues_get_one_queue_each():
    names = [f"c{number}" for number in range(5)]
    queues = sorted(queues_of("t", 2))
    parts = [allocate_for_pop(allocate_averagely, name, queues, names, 1) for name in names]
    assert [[queue.queue_id for queue in part] for part in parts] == [[0], [1], [0], [1], [0]]
    assert allocate_for_pop(allocate_averagely, "stranger", queues, names, 1) == []
    assert allocate_for_pop(allocate_averagely, "c0", [], names, 1) == []


def test_recorded_questions_are_answered_as_java_answered_them(broker):
    client = broker.connect()
    popping = False
    for case in ASKED:
        if case["body"] == [["POP", -1]]:
            assert client.call(set_mode("qa8", "ga_other")).code == ResponseCode.SUCCESS
            popping = True
        elif popping:
            assert client.call(set_mode("qa8", "ga_other", "PULL")).code == ResponseCode.SUCCESS
        asked = query(**case["request"])
        answer = client.ask(asked)
        if answer is None:  # its topic isn't known here: a name server is asked
            topic = case["request"]["topic"]
            assert broker.state.topic_routes.waiting() == [topic]
            broker.state.topic_routes.gone(topic)
            answer = client.answer_to(asked)
        assert (answer.code, answer.remark) == (case["code"], case["remark"])
        expected = case["body"]
        if case["request"].get("topic", "").startswith("%RETRY%"):
            # the record asked with a group whose member had that topic; ours shares it the same way
            assert given(answer) in (expected, [["PULL", 0]])
        elif isinstance(expected, list) and expected[:1] == [["POP", -1]]:
            assert given(answer) == [["POP", -1]]
        else:
            assert given(answer) == (sorted(expected) if expected else expected)


def test_retry_topics_and_unknown_names_have_no_mode(broker):
    client = broker.connect()
    refused = client.call(set_mode("%RETRY%ga_other", "ga_other"))
    recorded = next(
        c for c in OBSERVED["assignment_other"] if c["request"] == "401 for a retry topic"
    )
    assert (refused.code, refused.remark) == (recorded["code"], recorded["remark"])
    unknown = client.call(set_mode("nosuch", "ga_other"))
    assert (unknown.code, unknown.remark) == (17, "topic[nosuch] not exist")
    broker.state.config.auto_create_subscription_group = False
    unknown = client.call(set_mode("qa8", "nosuch"))
    assert (unknown.code, unknown.remark) == (26, "subscription group does not exist")


def test_modes_outlive_the_broker_and_are_told_to_slaves(broker, tmp_path):
    client = broker.connect()
    client.call(set_mode("qa8", "ga_other", "POP", 2))
    told = client.call(RemotingCommand(int(ALL_MODES)))
    assert java_json.loads(told.body) == {
        "messageRequestModeMap": {
            "qa8": {
                "ga_other": {
                    "consumerGroup": "ga_other",
                    "mode": "POP",
                    "popShareQueueNum": 2,
                    "topic": "qa8",
                }
            }
        }
    }
    broker.state.request_modes.modes.clear()
    broker.state.request_modes.load()
    found = broker.state.request_modes.find("qa8", "ga_other")
    assert (found.mode, found.pop_share_queue_num) == ("POP", 2)


def test_the_default_mode_counts_for_all_but_retry_topics(broker):
    broker.state.config.default_message_request_mode = "POP"
    client = broker.connect()
    assert given(client.call(query())) == [["POP", -1]]
    retry = client.call(query(topic="%RETRY%ga_other"))
    assert given(retry) == [["PULL", 0]]


def test_without_a_load_balancer_everybody_gets_every_queue(broker):
    broker.state.config.server_load_balancer_enable = False
    answer = broker.connect().call(query(clientId="127.0.0.1@c2"))
    assert given(answer) == [["PULL", queue_id] for queue_id in range(8)]


def test_a_light_queue_is_one_queue_here(broker):
    light = broker.connect().call(query(topic="%LMQ%a"))
    assert given(light) == [["PULL", 0]]


def test_a_question_without_a_message_model_is_refused(broker):
    answer = broker.connect().call(query(messageModel=None))
    assert (answer.code, answer.remark) == (1, "no messageModel")


def test_4_9_has_no_assignment(tmp_path):
    broker = MemoryBroker(tmp_path / "old", V4_9_7)
    answer = broker.connect().call(query())
    assert answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
    broker.close()
