"""What Java 5.5.0 answered to users with and without policies, asked again: the same refusals and bodies."""

from __future__ import annotations

import json

import pytest

from rmqwire.auth.contexts import FORGOTTEN, contexts_of
from rmqwire.broker.requests import REQUESTS
from rmqwire.codec.bodies import PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.release import V5_5_0
from tests.broker.admin_support import AdminBroker
from tests.support.golden import DATA, frames, protocol_table

RECORDED = DATA / "golden" / "5.5.0" / "JSON-acl2"
SCENARIOS = ("users", "acls", "producers", "codes", "decision_order", "admin_verbs_refused")
SUPER = '{"username":"admin","password":"admin-secret"}'
ON_PURPOSE = {int(code) for code in (*FORGOTTEN, R.VIEW_MESSAGE_BY_ID, R.POP_LITE_MESSAGE)}
RECALL_FORBIDDEN = "recall failed, operation is forbidden"  # recallMessageEnable=false


def exchanges(*scenarios):
    """Return (scenario, request, its frame, Java's answer) in the order of the recording."""
    for name in scenarios:
        entries = list(frames(RECORDED / f"acl2_{name}.jsonl.gz"))
        answers = {entry["reply_to"]: frame for entry, frame in entries if entry.get("reply_to")}
        for entry, frame in entries:
            asked = entry["link"] == "client->broker" and entry["kind"] == "request"
            if asked and entry["seq"] in answers:
                yield name, decode_command(frame), frame, decode_command(answers[entry["seq"]])


def ask(broker, frame):
    """Return the answer to a frame; None: it comes later."""
    broker.connection.receive_data(frame)
    broker.state.store.puts.end_pass()
    data = broker.connection.data_to_send()
    while data:
        size = int.from_bytes(data[:4], "big") + 4
        command, data = decode_command(data[:size]), data[size:]
        if command.is_response:
            return command
    return None


def refusal(answer):
    if answer is None or answer.code != 16 or answer.remark == RECALL_FORBIDDEN:
        return None
    return answer.remark


def test_recorded_requests_are_answered_as_by_java():
    broker = AdminBroker(
        V5_5_0,
        authentication_enabled=True,
        authorization_enabled=True,
        init_authentication_user=SUPER,
    )
    compared, stricter = 0, []
    for name, request, frame, java in exchanges(*SCENARIOS):
        ours = ask(broker, frame)
        compared += 1
        if request.code in range(3001, 3011):
            assert (ours.code, ours.remark) == (java.code, java.remark), (name, request)
            if "dave" not in bytes(java.body).decode():  # made in a scenario of its own
                assert bytes(ours.body) == bytes(java.body), (name, request)
        elif request.code in ON_PURPOSE and refusal(java) is None and refusal(ours) is not None:
            stricter.append(request.code)
        else:
            assert refusal(ours) == refusal(java), (name, request)
    broker.close()
    assert compared == 414
    assert set(stricter) == {25, 33, 200}


def test_recorded_codes_on_white_lists_need_no_user_or_no_policy():
    broker = AdminBroker(
        V5_5_0,
        authentication_enabled=True,
        authorization_enabled=True,
        authentication_whitelist="310,28",
        authorization_whitelist="310,11",
    )
    allowed = PolicyInfo("Custom", [PolicyEntryInfo("Topic:ta", ["Pub"], None, "Allow")])
    broker.state.auth.table.create_user(UserInfo("alice", "alice-secret"), [allowed])
    said = [
        (refusal(ask(broker, frame)), refusal(java)) for _, _, frame, java in exchanges("whitelist")
    ]
    broker.close()
    assert [ours for ours, _ in said] == [java for _, java in said]
    assert sum(java is not None for _, java in said) == 4


TABLE = [
    row
    for row in protocol_table("request_resource_action")["table"]
    if row["code"] in {int(known.code) for known in REQUESTS if known.known_to(V5_5_0)}
]
FIELDS = {
    "topic": "<topic>", "b": "<b>", "group": "<group>", "consumerGroup": "<consumerGroup>", "groupName": "<groupName>",
    "topicList": "<topicList>", "filterGroups": "<filterGroups>", "compareGroup": "<compareGroup>",
    "destGroup": "<destGroup>",
}  # fmt: skip
BODIES = {
    R.HEART_BEAT: {"consumerDataSet": [{"groupName": "GROUP", "subscriptionDataSet": [{"topic": "TOPIC"}]}]},
    R.LOCK_BATCH_MQ: {"consumerGroup": "GROUP", "mqSet": [{"topic": "TOPIC", "brokerName": "b", "queueId": 0}]},
}  # fmt: skip
BODIES[R.UNLOCK_BATCH_MQ] = BODIES[R.LOCK_BATCH_MQ]
MORE_THAN_JAVA = {*ON_PURPOSE, int(R.LITE_PULL_MESSAGE)}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row['name']} {row['case']}")
def test_a_request_is_asked_for_what_java_asks_for(row):
    fields = dict(FIELDS)
    if row["case"]:
        fields |= dict.fromkeys(("topic", "b"), row["case"].partition("=")[2])
    body = json.dumps(BODIES.get(row["code"], "")).encode()
    ours = contexts_of(RemotingCommand(row["code"], fields, body), "<cluster>")
    java = [
        (context["resource"], {action.capitalize() for action in context["actions"]})
        for context in row["contexts"]
    ]
    if row["code"] in MORE_THAN_JAVA and not java:
        assert ours
    else:
        assert [(f"{kind}:{name}", actions) for kind, name, actions in ours] == java
