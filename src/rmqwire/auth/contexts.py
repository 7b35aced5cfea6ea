"""What access control 2.0 asks a request for (``DefaultAuthorizationContextBuilder``).

Every context has to be allowed; one of its actions is enough. A code that isn't here only needs a user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rmqwire.codec.bodies import HeartbeatData, LockBatchRequestBody
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.codec.command import RemotingCommand

TOPIC: Final = "Topic"
GROUP: Final = "Group"
CLUSTER: Final = "Cluster"

PUB: Final = frozenset(("Pub",))
SUB: Final = frozenset(("Sub",))
GET: Final = frozenset(("Get",))
UPDATE: Final = frozenset(("Update",))
_SUB_GET: Final = SUB | GET
_SUB_UPDATE: Final = SUB | UPDATE


class Context(NamedTuple):
    """One thing that a request does."""

    kind: str
    name: str | None
    actions: frozenset[str]


# The fields that name topics and groups, as Java's headers are annotated: ``field`` or ``field;`` for a
# list with that separator.
_ANNOTATED: Final[dict[R, tuple[str, str]]] = {
    R.UPDATE_AND_CREATE_TOPIC: ("Create", "Topic:topic"),
    R.SEARCH_OFFSET_BY_TIMESTAMP: ("Get", "Topic:topic"),
    R.GET_MAX_OFFSET: ("Get", "Topic:topic"),
    R.GET_MIN_OFFSET: ("Get", "Topic:topic"),
    R.GET_EARLIEST_MSG_STORETIME: ("Get", "Topic:topic"),
    R.GET_TOPIC_STATS_INFO: ("Get", "Topic:topic"),
    R.GET_CONSUMER_CONNECTION_LIST: ("Get", "Group:consumerGroup"),
    R.DELETE_SUBSCRIPTIONGROUP: ("Delete", "Group:groupName"),
    R.GET_CONSUME_STATS: ("Get", "Group:consumerGroup Topic:topic Topic:topicList;"),
    R.DELETE_TOPIC_IN_BROKER: ("Delete", "Topic:topic"),
    R.INVOKE_BROKER_TO_RESET_OFFSET: ("Update", "Group:group Topic:topic"),
    R.INVOKE_BROKER_TO_GET_CONSUMER_STATUS: ("Get", "Topic:topic Group:group"),
    R.QUERY_TOPIC_CONSUME_BY_WHO: ("Get", "Topic:topic"),
    R.QUERY_CONSUME_TIME_SPAN: ("Get", "Topic:topic Group:group"),
    R.GET_CONSUMER_RUNNING_INFO: ("Get", "Group:consumerGroup"),
    R.QUERY_CORRECTION_OFFSET: ("Get", "Group:filterGroups, Group:compareGroup Topic:topic"),
    R.CONSUME_MESSAGE_DIRECTLY: ("Sub", "Group:consumerGroup Topic:topic"),
    R.CLONE_GROUP_OFFSET: ("Update", "Group:destGroup Topic:topic"),
    R.QUERY_CONSUME_QUEUE: ("Get", "Topic:topic Group:consumerGroup"),
    R.CHECK_ROCKSDB_CQ_WRITE_PROGRESS: ("Get", "Topic:topic"),
    R.RESUME_CHECK_HALF_MESSAGE: ("Update", "Topic:topic"),
    R.QUERY_TOPICS_BY_CONSUMER: ("Get", "Group:group"),
    R.QUERY_SUBSCRIPTION_BY_CONSUMER: ("Get", "Group:group Topic:topic"),
    R.GET_TOPIC_CONFIG: ("Get", "Topic:topic"),
    R.GET_SUBSCRIPTIONGROUP_CONFIG: ("Get", "Group:group"),
    R.UPDATE_AND_GET_GROUP_FORBIDDEN: ("Update", "Group:group Topic:topic"),
    R.RECALL_MESSAGE: ("Pub", "Topic:topic"),
    R.POP_MESSAGE: ("Sub", "Group:consumerGroup Topic:topic"),
    R.POP_LITE_MESSAGE: ("Sub", "Group:consumerGroup Topic:topic"),  # Java asks nothing
    R.ACK_MESSAGE: ("Sub", "Group:consumerGroup Topic:topic"),
    R.PEEK_MESSAGE: ("Sub", "Topic:topic Group:consumerGroup"),
    R.CHANGE_MESSAGE_INVISIBLETIME: ("Sub", "Group:consumerGroup Topic:topic"),
    R.NOTIFICATION: ("Sub", "Group:consumerGroup Topic:topic"),
    R.POLLING_INFO: ("Get", "Group:consumerGroup Topic:topic"),
    R.DELETE_TOPIC_IN_BROKER_LIST: ("Delete", "Topic:topicList,"),
    R.DELETE_SUBSCRIPTION_GROUP_LIST: ("Delete", "Group:groupNameList,"),
}
_OF_THE_CLUSTER: Final = {
    R.GET_PRODUCER_CONNECTION_LIST: GET,
    R.VIEW_BROKER_STATS_DATA: GET,
    R.GET_BROKER_CONSUME_STATS: GET,
    R.GET_ALL_PRODUCER_INFO: GET,
    R.EXPORT_ROCKSDB_CONFIG_TO_JSON: GET,
    R.NOTIFY_MIN_BROKER_ID_CHANGE: UPDATE,
    R.NOTIFY_BROKER_ROLE_CHANGED: UPDATE,
    R.EXCHANGE_BROKER_HA_INFO: UPDATE,
    R.RESET_MASTER_FLUSH_OFFSET: UPDATE,
    R.AUTH_CREATE_USER: UPDATE,
    R.AUTH_UPDATE_USER: UPDATE,
    R.AUTH_DELETE_USER: UPDATE,
    R.AUTH_GET_USER: GET,
    R.AUTH_LIST_USER: GET,
    R.AUTH_CREATE_ACL: UPDATE,
    R.AUTH_UPDATE_ACL: UPDATE,
    R.AUTH_DELETE_ACL: UPDATE,
    R.AUTH_GET_ACL: GET,
    R.AUTH_LIST_ACL: GET,
}
# What Java asks nothing for, because no header class is registered, and what does harm.
FORGOTTEN: Final = {
    R.UPDATE_BROKER_CONFIG: UPDATE,
    R.UPDATE_AND_CREATE_TOPIC_LIST: UPDATE,
    R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: UPDATE,
    R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: UPDATE,
    R.CLEAN_EXPIRED_CONSUMEQUEUE: UPDATE,
    R.CLEAN_UNUSED_TOPIC: UPDATE,
    R.DELETE_EXPIRED_COMMITLOG: UPDATE,
    R.SET_MESSAGE_REQUEST_MODE: UPDATE,
}


def contexts_of(request: RemotingCommand, cluster: str) -> list[Context]:
    """Return what a request does, in Java's order.

    Raises:
        ProtocolError: its body can't be read.
    """
    code = request.code
    actions = _CLUSTER.get(code)
    if actions is not None:
        return [Context(CLUSTER, cluster, actions)]
    fields = request.ext_fields or {}
    reader = _READERS.get(code)
    if reader is not None:
        return list(reader(request, fields))
    annotated = _FIELDS.get(code)
    return [] if annotated is None else list(_annotated(annotated, fields))


def _is_retry(topic: str | None) -> bool:
    return topic is not None and topic.startswith(RETRY_GROUP_TOPIC_PREFIX)


def _topic_or_group(name: str | None, actions: frozenset[str]) -> Context:
    if name is not None and _is_retry(name):
        return Context(GROUP, name.removeprefix(RETRY_GROUP_TOPIC_PREFIX), actions)
    return Context(TOPIC, name, actions)


Annotated = tuple[frozenset[str], tuple[tuple[str, str, str], ...]]


def _annotated(annotated: Annotated, fields: dict[str, str]) -> Iterator[Context]:
    actions, named = annotated
    for kind, name, separator in named:
        value = fields.get(name)
        if value is None:
            continue
        for part in value.split(separator) if separator else (value,):
            if kind == TOPIC:
                yield _topic_or_group(part, actions)
            elif part or not separator:
                yield Context(GROUP, part, actions)


Fields = dict[str, str]


def _send(field: str) -> Callable[[RemotingCommand, Fields], Iterator[Context]]:
    def contexts(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
        topic = fields.get(field)
        yield _topic_or_group(topic, SUB if _is_retry(topic) else PUB)

    return contexts


def _end_transaction(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
    topic = fields.get("topic") or ""
    if topic.strip():
        yield Context(TOPIC, topic, PUB)


def _send_back(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
    yield Context(GROUP, fields.get("group"), SUB)


def _topic_and_group(
    actions: frozenset[str],
) -> Callable[[RemotingCommand, Fields], Iterator[Context]]:
    def contexts(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
        topic = fields.get("topic")
        if not _is_retry(topic):
            yield Context(TOPIC, topic, actions)
        yield Context(GROUP, fields.get("consumerGroup"), actions)

    return contexts


def _query(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
    yield Context(TOPIC, fields.get("topic"), _SUB_GET)


def _view(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
    yield _topic_or_group(fields.get("topic"), GET)  # Java lets everybody read without a topic


def _unregister(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
    group = fields.get("consumerGroup") or ""
    if group.strip():
        yield Context(GROUP, group, SUB)


def _members(_: RemotingCommand, fields: Fields) -> Iterator[Context]:
    yield Context(GROUP, fields.get("consumerGroup"), _SUB_GET)


def _heartbeat(request: RemotingCommand, _: Fields) -> Iterator[Context]:
    for consumer in HeartbeatData.decode(request.body).consumer_data_set:
        yield Context(GROUP, consumer.group_name, SUB)
        for subscription in consumer.subscription_data_set:
            if not _is_retry(subscription.topic):
                yield Context(TOPIC, subscription.topic, SUB)


def _lock(request: RemotingCommand, _: Fields) -> Iterator[Context]:
    body = LockBatchRequestBody.decode(request.body)
    yield Context(GROUP, body.consumer_group, SUB)
    for queue in body.mq_set:
        if not _is_retry(queue.topic):
            yield Context(TOPIC, queue.topic, SUB)


_CLUSTER: Final = {int(code): actions for code, actions in (_OF_THE_CLUSTER | FORGOTTEN).items()}
_READERS: Final = {
    int(code): reader
    for code, reader in {
        R.SEND_MESSAGE: _send("topic"),
        R.SEND_MESSAGE_V2: _send("b"),
        R.SEND_BATCH_MESSAGE: _send("b"),
        R.END_TRANSACTION: _end_transaction,
        R.CONSUMER_SEND_MSG_BACK: _send_back,
        R.PULL_MESSAGE: _topic_and_group(SUB),
        R.LITE_PULL_MESSAGE: _topic_and_group(SUB),  # Java forgot it
        R.QUERY_CONSUMER_OFFSET: _topic_and_group(_SUB_GET),
        R.UPDATE_CONSUMER_OFFSET: _topic_and_group(_SUB_UPDATE),
        R.QUERY_MESSAGE: _query,
        R.VIEW_MESSAGE_BY_ID: _view,
        R.HEART_BEAT: _heartbeat,
        R.UNREGISTER_CLIENT: _unregister,
        R.GET_CONSUMER_LIST_BY_GROUP: _members,
        R.LOCK_BATCH_MQ: _lock,
        R.UNLOCK_BATCH_MQ: _lock,
    }.items()
}


def _parsed(action: str, text: str) -> Annotated:
    named = []
    for item in text.split():
        kind, _, name = item.partition(":")
        bare = name.rstrip(";,")
        named.append((kind, bare, name[len(bare) :]))
    return frozenset((action,)), tuple(named)


_FIELDS: Final = {int(code): _parsed(*row) for code, row in _ANNOTATED.items()}
