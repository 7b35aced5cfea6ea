"""Requests that fail because a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.errors import BrokerError, UsageError
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand

REMARK = "refused because a test wants it"
SAME = {  # what clients send in place of the plain code
    RequestCode.SEND_MESSAGE: (RequestCode.SEND_MESSAGE_V2,),
    RequestCode.SEND_MESSAGE_V2: (RequestCode.SEND_MESSAGE,),
}


class Failures:
    """The hook of a broker that refuses the next requests of some codes."""

    def __init__(self) -> None:
        self._left: dict[int, list[Reject]] = {}

    def fail_next(
        self, request: str | int, error: type[BrokerError] | int | str, times: int, remark: str
    ) -> None:
        """Refuse the next requests of a code.

        Args:
            request: a request code or its name; SEND_MESSAGE means its second version too.
            error: a class of ``rmqwire.broker_errors``, a response code or its name.
            times: how many.
            remark: what the answer says.

        Raises:
            UsageError: there is no such code.
        """
        refusals = [Reject(_response_code(error), remark)] * times
        code = _request_code(request)
        for one in (code, *SAME.get(code, ())):
            self._left[int(one)] = refusals  # one list for all: together they fail so often

    def clear(self) -> None:
        """Refuse nothing any more."""
        self._left.clear()

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse a request whose turn it is."""
        refusals = self._left.get(request.code)
        if refusals:
            raise refusals.pop()

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Leave answers as they are."""


def _request_code(code: str | int) -> RequestCode:
    try:
        return RequestCode[code] if isinstance(code, str) else RequestCode(code)
    except (KeyError, ValueError):
        raise UsageError(f"there is no request code {code!r}") from None


def _response_code(error: type[BrokerError] | int | str) -> int:
    if isinstance(error, str):
        try:
            return int(ResponseCode[error])
        except KeyError:
            raise UsageError(f"there is no response code {error!r}") from None
    return error if isinstance(error, int) else error.code
