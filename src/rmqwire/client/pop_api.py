"""The calls of popping (``MQClientAPIImpl``): which queues, the messages, what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.client.message_ext import BodyReading
from rmqwire.codec.bodies import QueryAssignmentResponseBody
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import PopMessageResponseHeader

if TYPE_CHECKING:
    from rmqwire.client.api import ClientApi
    from rmqwire.codec.bodies import (
        BatchAckMessageRequestBody,
        MessageQueueAssignment,
        QueryAssignmentRequestBody,
    )
    from rmqwire.codec.headers import (
        AckMessageRequestHeader,
        ChangeInvisibleTimeRequestHeader,
        PopMessageRequestHeader,
    )

FOUND = int(ResponseCode.SUCCESS)
POLLING_FULL = int(ResponseCode.POLLING_FULL)
POP_CODES = frozenset(
    {FOUND, POLLING_FULL, int(ResponseCode.POLLING_TIMEOUT), int(ResponseCode.PULL_NOT_FOUND)}
)
QUERY_ASSIGNMENT_TIMEOUT_MS = 3_000
ACK_TIMEOUT_MS = 3_000  # ASYNC_TIMEOUT


@dataclass(slots=True)
class PopAnswer:
    """A broker's answer to a pop; ``body`` is records back to back, ``reading`` how to read theirs."""

    code: int
    header: PopMessageResponseHeader
    body: bytes | memoryview
    reading: BodyReading = BodyReading.WHOLE


async def query_assignment(
    api: ClientApi, addr: str, body: QueryAssignmentRequestBody
) -> list[MessageQueueAssignment] | None:
    """Ask a broker which queues a client reads, and how; None when it can't tell.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    namespace = api.requests.namespace
    body.topic, body.consumer_group = (
        namespace.wrap(body.topic),
        namespace.wrap(body.consumer_group),
    )
    data = body.encode(api.requests.release)
    request = api.requests.make(RequestCode.QUERY_ASSIGNMENT, body=data)
    answer = await api.call(api.broker(addr), request, QUERY_ASSIGNMENT_TIMEOUT_MS)
    told = QueryAssignmentResponseBody.decode(bytes(answer.body), api.requests.release)
    for assignment in told.message_queue_assignments or ():
        if assignment.message_queue is not None:
            assignment.message_queue = namespace.unwrap_queue(assignment.message_queue)
    return told.message_queue_assignments


async def pop_message(
    api: ClientApi, addr: str, header: PopMessageRequestHeader, timeout_ms: int
) -> PopAnswer:
    """Take messages that nobody else gets for a while.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    request = api.requests.make(RequestCode.POP_MESSAGE, header)
    answer = await api.call(addr, request, timeout_ms, POP_CODES)
    header_of_answer = answer.decode_header(PopMessageResponseHeader)
    return PopAnswer(answer.code, header_of_answer, answer.body, api.reading)


async def ack_message(api: ClientApi, addr: str, header: AckMessageRequestHeader) -> None:
    """Say that a popped message is done with.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    await api.call(addr, api.requests.make(RequestCode.ACK_MESSAGE, header), ACK_TIMEOUT_MS)


async def batch_ack_message(api: ClientApi, addr: str, body: BatchAckMessageRequestBody) -> None:
    """Say so of several messages, of any queues of one broker.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    namespace = api.requests.namespace
    for entry in body.acks:
        entry.topic = namespace.wrap(entry.topic)
        entry.consumer_group = namespace.wrap(entry.consumer_group)
    data = body.encode(api.requests.release)
    request = api.requests.make(RequestCode.BATCH_ACK_MESSAGE, body=data)
    await api.call(addr, request, ACK_TIMEOUT_MS)


async def change_invisible_time(
    api: ClientApi, addr: str, header: ChangeInvisibleTimeRequestHeader
) -> None:
    """Say when a popped message is to come again.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    request = api.requests.make(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, header)
    await api.call(addr, request, ACK_TIMEOUT_MS)
