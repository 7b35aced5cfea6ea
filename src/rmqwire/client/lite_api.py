"""The calls about lite topics (``MQClientAPIExt``): what a client subscribes, and its messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.client.message_ext import BodyReading
from rmqwire.client.pop_api import POP_CODES
from rmqwire.codec.bodies import LiteSubscriptionCtlRequestBody
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import PopLiteMessageResponseHeader

if TYPE_CHECKING:
    from rmqwire.client.api import ClientApi
    from rmqwire.codec.bodies import LiteSubscriptionDTO
    from rmqwire.codec.headers import PopLiteMessageRequestHeader


@dataclass(slots=True)
class PopLiteAnswer:
    """A broker's answer to a pop of lite topics; ``body`` is records back to back, see ``PopAnswer``."""

    code: int
    header: PopLiteMessageResponseHeader
    body: bytes | memoryview
    reading: BodyReading = BodyReading.WHOLE


async def pop_lite_message(
    api: ClientApi, addr: str, header: PopLiteMessageRequestHeader, timeout_ms: int
) -> PopLiteAnswer:
    """Take messages of the lite topics that a client subscribes.

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        BrokerError: it refused.
    """
    request = api.requests.make(RequestCode.POP_LITE_MESSAGE, header)
    answer = await api.call(addr, request, timeout_ms, POP_CODES)
    header_of_answer = answer.decode_header(PopLiteMessageResponseHeader)
    return PopLiteAnswer(answer.code, header_of_answer, answer.body, api.reading)


async def control_lite_subscription(
    api: ClientApi, addr: str, change: LiteSubscriptionDTO, timeout_ms: int
) -> None:
    """Change what a client subscribes at a broker (``syncLiteSubscriptionAsync``).

    Raises:
        RemotingError: the broker can't be reached or doesn't answer.
        LiteSubscriptionQuotaExceeded: it has as many subscriptions as it allows.
        BrokerError: it refused for another reason.
    """
    namespace = api.requests.namespace
    change.topic, change.group = namespace.wrap(change.topic), namespace.wrap(change.group)
    body = LiteSubscriptionCtlRequestBody(subscription_set=[change])
    data = body.encode(api.requests.release)
    request = api.requests.make(RequestCode.LITE_SUBSCRIPTION_CTL, body=data)
    await api.call(addr, request, timeout_ms)
