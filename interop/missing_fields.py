"""Each request that servers answer, whole and with each field of its header left out in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rmqwire.broker.requests import REQUESTS as BROKER
from rmqwire.codec import RemotingCommand
from rmqwire.codec.bodies import (
    DataVersion,
    RegisterBrokerBody,
    TopicConfigAndMappingSerializeWrapper,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers.registry import REQUEST_HEADERS
from rmqwire.codec.release import release_named
from rmqwire.namesrv.requests import REQUESTS as NAMESRV
from tests.support.golden import protocol_table

TOPIC, GROUP = "M_topic", "M_group"
KINDS = {"String": "text", "Integer": "0", "int": "0", "Long": "0", "long": "0", "Boolean": "false",
         "boolean": "false"}  # fmt: skip
GOOD = {
    "topic": TOPIC, "b": TOPIC, "defaultTopic": "TBW102", "c": "TBW102", "d": "4", "defaultTopicQueueNums": "4",
    "producerGroup": "M_producers", "a": "M_producers", "consumerGroup": GROUP, "group": GROUP, "groupName": GROUP,
    "maxMsgNums": "8", "maxNum": "8", "maxReconsumeTimes": "16", "l": "16", "bornTimestamp": "1700000000000",
    "g": "1700000000000", "subscription": "*", "expressionType": "TAG", "clusterName": "M_cluster",
    "brokerName": "m-broker", "brokerAddr": "127.0.0.1:12345", "haServerAddr": "127.0.0.1:12346",
    "namespace": "M_ns", "key": "k", "value": "v", "readQueueNums": "4", "writeQueueNums": "4", "perm": "6",
    "topicFilterType": "SINGLE_TAG", "statsName": "TOPIC_PUT_NUMS", "statsKey": TOPIC, "count": "8",
    "clientId": "m@1", "clientID": "m@1", "timestamp": "0", "endTimestamp": "1900000000000",
    "srcGroup": GROUP, "destGroup": "M_other", "compareGroup": GROUP, "filterGroups": GROUP,
    "properties": "", "i": "", "n": "m-broker", "bname": "", "liteTopic": "", "ns": "", "nsd": "false",
    "maxTopicNum": "8", "maxGroupNum": "8",
    "dataVersion": '{"counter":0,"stateVersion":0,"timestamp":0}', "index": "0", "boundaryType": "LOWER",
}  # fmt: skip
# Fields that name something else for one request, or that stay away from the whole one too.
OWN: dict[RequestCode, dict[str, str | None]] = {
    RequestCode.DELETE_TOPIC_IN_BROKER: {"topic": "M_gone"},
    RequestCode.DELETE_SUBSCRIPTIONGROUP: {"groupName": "M_gone"},
    RequestCode.UPDATE_AND_CREATE_TOPIC: {"topic": "M_made", "attributes": ""},
    RequestCode.PUT_KV_CONFIG: {"key": "put"},
    RequestCode.PULL_MESSAGE: {"sysFlag": "4"},
    RequestCode.LITE_PULL_MESSAGE: {"sysFlag": "4"},
    RequestCode.EXCHANGE_BROKER_HA_INFO: {"masterHaAddress": None, "masterAddress": None},
}
ALSO: dict[RequestCode, list[dict[str, str]]] = {
    RequestCode.PULL_MESSAGE: [{"sysFlag": "5"}, {"sysFlag": "6", "suspendTimeoutMillis": "300"}],
    RequestCode.SEND_MESSAGE: [{"topic": "M_fresh_{}"}, {"topic": "%RETRY%M_group"}],
    RequestCode.SEND_MESSAGE_V2: [{"b": "M_fresh_b{}"}, {"b": "%RETRY%M_group"}],
}
# (request, field): Java answers SUCCESS or QUERY_NOT_FOUND, and has done nothing, or something to "null".
NOTHING_DONE = {
    (code, name)
    for code, names in {
        RequestCode.UPDATE_CONSUMER_OFFSET: "consumerGroup topic",  # 4.9.7 keeps one of "null"
        RequestCode.QUERY_CONSUMER_OFFSET: "consumerGroup topic",
        RequestCode.QUERY_MESSAGE: "topic key",
        RequestCode.CLONE_GROUP_OFFSET: "destGroup",
        RequestCode.QUERY_CORRECTION_OFFSET: "compareGroup",
        RequestCode.GET_CONSUME_STATS: "consumerGroup",
        RequestCode.QUERY_CONSUME_TIME_SPAN: "group",
        RequestCode.REGISTER_BROKER: "brokerName brokerAddr clusterName",
        RequestCode.UNREGISTER_BROKER: "brokerName brokerAddr clusterName brokerId",
        RequestCode.BROKER_HEARTBEAT: "brokerName",
        RequestCode.QUERY_DATA_VERSION: "brokerAddr clusterName",
        RequestCode.GET_BROKER_MEMBER_GROUP: "brokerName",
        RequestCode.WIPE_WRITE_PERM_OF_BROKER: "brokerName",
        RequestCode.ADD_WRITE_PERM_OF_BROKER: "brokerName",
        RequestCode.DELETE_TOPIC_IN_NAMESRV: "topic",
        RequestCode.GET_TOPICS_BY_CLUSTER: "cluster",
        RequestCode.PUT_KV_CONFIG: "value",
        RequestCode.GET_KV_CONFIG: "namespace key",
        RequestCode.DELETE_KV_CONFIG: "namespace key",
        RequestCode.GET_KVLIST_BY_NAMESPACE: "namespace",
    }.items()
    for name in names.split()
}
# Java needs it where it isn't used: 4.9.7 before it looks whether there is something to wait for.
NOT_NEEDED = {(RequestCode.PULL_MESSAGE, "suspendTimeoutMillis")}
# These change what everybody else meets, or their answer is a matter of the body.
LEFT_OUT = {
    RequestCode.RESET_MASTER_FLUSH_OFFSET,
    RequestCode.SEND_BATCH_MESSAGE,
}
INHERITED = {"ns", "nsd", "bname", "oway", "lo", "n"}


@dataclass(frozen=True)
class Case:
    """One request; ``missing`` is "" for the whole one."""

    code: RequestCode
    server: str
    missing: str
    fields: dict[str, str]
    body: bytes

    def command(self) -> RemotingCommand:
        return RemotingCommand(self.code, dict(self.fields), body=self.body)

    def __str__(self) -> str:
        return f"{self.code.name} without {self.missing or 'nothing'} {self.fields}"


def cases(version: str) -> Iterator[Case]:
    """Yield the cases of every request of a release whose header is known."""
    release = release_named(version)
    for server, rows in (("broker", BROKER), ("namesrv", NAMESRV)):
        for row in rows:
            code = RequestCode(row.code)
            if code not in REQUEST_HEADERS or code in LEFT_OUT or release.mq_version < row.since:
                continue
            known = protocol_table("headers")["headers"][REQUEST_HEADERS[code].__name__]
            if version not in known:
                continue
            kinds = {f["name"]: f["type"] for f in known[version]["fields"]}
            for more in ({}, *ALSO.get(code, [])):
                whole = {
                    name: text
                    for name in kinds
                    if (text := _text(code, name, kinds[name], more)) is not None
                }
                body = _body(code, version)
                yield Case(code, server, "", whole, body)
                for name in whole:
                    if name not in INHERITED:
                        rest = {
                            k: text.replace("{}", name) for k, text in whole.items() if k != name
                        }
                        yield Case(code, server, name, rest, body)


def _text(code: RequestCode, name: str, kind: str, more: dict[str, str]) -> str | None:
    if name in more:
        return more[name]
    if name in OWN.get(code, {}):
        return OWN[code][name]
    return GOOD.get(name, KINDS.get(kind, "0"))


def _body(code: RequestCode, version: str) -> bytes:
    release = release_named(version)
    if code == RequestCode.REGISTER_BROKER:
        wrapper = TopicConfigAndMappingSerializeWrapper(data_version=DataVersion(timestamp=1))
        return RegisterBrokerBody(topic_config_serialize_wrapper=wrapper).encode(release)
    if code == RequestCode.QUERY_DATA_VERSION:
        return DataVersion(timestamp=1).encode(release)
    return b"body"
