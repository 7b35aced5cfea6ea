"""What a request wants to do, and to which topics and groups (Java ``PlainAccessValidator.parse``).

A group is named as its retry topic, as in Java: ``%RETRY%group``. A code that isn't here only needs an
account; some need an administrator (``permission.ADMIN_CODES``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.auth.permission import PUB, SUB
from rmqwire.codec.bodies import HeartbeatData
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.codec.release import V4_9_7
from rmqwire.errors import AclError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.command import RemotingCommand

Fields = dict[str, str]
Wanted = dict[str, int]  # topic or retry topic -> permission

_PARSE: Final = "plain.PlainAccessValidator.parse(PlainAccessValidator.java:134)"
_NOTHING: Final[Wanted] = {}


def wanted_of(request: RemotingCommand) -> Wanted:
    """Return the permissions that a request needs, in the order in which Java notes them.

    Raises:
        AclError: the body of a heartbeat can't be read.
    """
    if request.code == _HEART_BEAT:
        return _of_heartbeat(request)
    reader = _READERS.get(request.code)
    return _NOTHING if reader is None else reader(request.ext_fields or {})


def _topic(wanted: Wanted, topic: str | None, permission: int) -> Wanted:
    if topic is not None:
        wanted[topic] = permission
    return wanted


def _group(wanted: Wanted, group: str | None) -> Wanted:
    if group is not None:
        wanted[RETRY_GROUP_TOPIC_PREFIX + group] = SUB
    return wanted


def _sent(topic: str | None, group: str | None) -> Wanted:
    """Return what a send needs: one to a retry topic is a consumer's."""
    if topic is not None and topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
        return _group({}, group)
    return _topic({}, topic, PUB)


def _send(fields: Fields) -> Wanted:
    return _sent(fields.get("topic"), fields.get("group"))


def _send_v2(fields: Fields) -> Wanted:
    return _sent(fields.get("b"), fields.get("a"))


def _send_back(fields: Fields) -> Wanted:
    return _group({}, fields.get("group"))


def _pull(fields: Fields) -> Wanted:
    return _group(_topic({}, fields.get("topic"), SUB), fields.get("consumerGroup"))


def _query(fields: Fields) -> Wanted:
    return _topic({}, fields.get("topic"), SUB)


def _of_consumer(fields: Fields) -> Wanted:
    return _group({}, fields.get("consumerGroup"))


def _commit(fields: Fields) -> Wanted:
    return _topic(_group({}, fields.get("consumerGroup")), fields.get("topic"), SUB)


def _of_heartbeat(request: RemotingCommand) -> Wanted:
    try:
        data = HeartbeatData.decode(request.body, V4_9_7)
    except ProtocolError as error:
        raise AclError(str(error), _PARSE) from None
    wanted: Wanted = {}
    for consumer in data.consumer_data_set:
        _group(wanted, consumer.group_name)
        for subscription in consumer.subscription_data_set:
            _topic(wanted, subscription.topic, SUB)
    return wanted


_HEART_BEAT: Final = int(R.HEART_BEAT)
_READERS: Final[dict[int, Callable[[Fields], Wanted]]] = {
    int(R.SEND_MESSAGE): _send,
    int(R.SEND_MESSAGE_V2): _send_v2,
    int(R.SEND_BATCH_MESSAGE): _send_v2,  # Java forgot it: a batch went into any topic
    int(R.CONSUMER_SEND_MSG_BACK): _send_back,
    int(R.PULL_MESSAGE): _pull,
    int(R.QUERY_MESSAGE): _query,
    int(R.UNREGISTER_CLIENT): _of_consumer,
    int(R.GET_CONSUMER_LIST_BY_GROUP): _of_consumer,
    int(R.UPDATE_CONSUMER_OFFSET): _commit,
}
