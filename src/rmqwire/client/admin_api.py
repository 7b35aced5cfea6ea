"""The calls of ``MQAdmin`` (``MQClientAPIImpl``): making topics, finding messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import QueryMessageResponseHeader, ViewMessageRequestHeader
from rmqwire.codec.message_const import INDEX_UNIQUE_TYPE, UNIQUE_MSG_QUERY_FLAG
from rmqwire.codec.record import decode_message, iter_messages

if TYPE_CHECKING:
    from rmqwire.client.api import ClientApi
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.headers import CreateTopicRequestHeader, QueryMessageRequestHeader
    from rmqwire.codec.message import StoredMessage

TIMEOUT_MS = 6_000  # MQAdminImpl.timeoutMillis
QUERY_TIMEOUT_MS = 3 * TIMEOUT_MS
FOUND = int(ResponseCode.SUCCESS)
_QUERY_CODES = frozenset({FOUND, int(ResponseCode.QUERY_NOT_FOUND)})


async def create_topic(api: ClientApi, addr: str, header: CreateTopicRequestHeader) -> None:
    """Make a topic at a broker, or change it.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    request = api.requests.make(RequestCode.UPDATE_AND_CREATE_TOPIC, header)
    if not api.requests.release.client.topics_have_attributes:
        _leave_out(request, "attributes", "force")
    await api.call(api.broker(addr), request, TIMEOUT_MS)


async def query_message(
    api: ClientApi, addr: str, header: QueryMessageRequestHeader
) -> tuple[int, list[StoredMessage]]:
    """Ask a broker's index.

    Returns:
        when the index was written last, ms since the epoch, and what has the key's hash.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
        BadRecord: what came is no record.
    """
    unique = header.index_type == INDEX_UNIQUE_TYPE
    request = api.requests.make(RequestCode.QUERY_MESSAGE, header)
    if not api.requests.release.client.queries_name_index:
        _leave_out(request, "indexType")
    request.ext_fields = (request.ext_fields or {}) | {UNIQUE_MSG_QUERY_FLAG: str(unique).lower()}
    answer = await api.call(api.broker(addr), request, QUERY_TIMEOUT_MS, _QUERY_CODES)
    written_ms = answer.decode_header(QueryMessageResponseHeader).index_last_update_timestamp
    found = bytes(answer.body) if answer.code == FOUND else b""
    return written_ms or 0, list(iter_messages(found))


async def view_message(
    api: ClientApi, addr: str, topic: str, physical_offset: int
) -> StoredMessage:
    """Return the message at an offset of a broker's commit log.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: there is none.
        BadRecord: what came is no record.
    """
    named = topic if api.requests.release.client.views_name_topic else None
    header = ViewMessageRequestHeader(topic=named, offset=physical_offset)
    request = api.requests.make(RequestCode.VIEW_MESSAGE_BY_ID, header)
    answer = await api.call(api.broker(addr), request, TIMEOUT_MS)
    return decode_message(bytes(answer.body))


def _leave_out(request: RemotingCommand, *names: str) -> None:
    """Leave fields out that older clients don't send."""
    for name in names:
        (request.ext_fields or {}).pop(name, None)
