"""From a request code to its handler, and from whatever happens there to one answer.

The rules are those of Java's ``NettyRemotingAbstract.processRequestCommand``: a code nobody
registered is answered with REQUEST_CODE_NOT_SUPPORTED (3) and `` request type N not supported``; an
exception becomes SYSTEM_ERROR (1) with its text. A handler says a refusal of its own with
:class:`Reject`. Whatever is refused leaves a line in the log, a few for each code.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.codes import LanguageCode, ResponseCode, request_name
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import ProtocolError, UsageError
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limited_log import LimitedLog, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Handler, Lane, Peer, RpcHook

logger = logging.getLogger(__name__)

SYSTEM_ERROR = int(ResponseCode.SYSTEM_ERROR)
REQUEST_CODE_NOT_SUPPORTED = int(ResponseCode.REQUEST_CODE_NOT_SUPPORTED)
PYTHON = int(LanguageCode.PYTHON)
FAULTS = {SYSTEM_ERROR, int(ResponseCode.NO_PERMISSION)}  # answers that nobody expects
REFUSALS = 5  # lines about refused requests of one code in ten seconds
MAX_REMARK = 1024  # characters of an exception's text in an answer
JAVA_COMMAND_EXCEPTION = "org.apache.rocketmq.remoting.exception.RemotingCommandException"


class HandlerTable:
    """The handlers of one server, or of one client for the requests servers send it.

    Args:
        release: whose version every answer announces.
        handlers: first entries of the table.

    Attributes:
        hooks: see every request and answer; while there is one, no lane takes anything.
        lane: takes some requests before the handlers see them; None without.
    """

    def __init__(
        self, release: Release = DEFAULT_RELEASE, handlers: Mapping[int, Handler] | None = None
    ) -> None:
        self.release = release
        self.version = release.mq_version
        self.language = PYTHON
        self.hooks: list[RpcHook] = []
        self.lane: Lane | None = None
        self.notices = LimitedLog(logger)
        self.refusals = LimitedLog(logger, burst=REFUSALS)
        self._handlers: dict[int, Handler] = {}
        if handlers is not None:
            self.register_all(handlers)

    def register(self, code: int, handler: Handler) -> None:
        """Let ``handler`` answer requests of ``code``.

        Raises:
            UsageError: the code has a handler.
        """
        code = int(code)
        if code in self._handlers:
            raise UsageError(f"request code {code} has a handler already")
        self._handlers[code] = handler

    def register_all(self, handlers: Mapping[int, Handler]) -> None:
        """Do the same for every entry of ``handlers``."""
        for code, handler in handlers.items():
            self.register(code, handler)

    def replace(self, code: int, handler: Handler) -> None:
        """Let ``handler`` answer requests of ``code`` from now on, whether or not it had one."""
        self._handlers[int(code)] = handler

    @property
    def takes_lane(self) -> bool:
        """Whether requests are offered to a lane."""
        return self.lane is not None and not self.hooks

    def handler(self, code: int) -> Handler | None:
        """Return what answers requests of ``code``."""
        return self._handlers.get(code)

    def codes(self) -> Iterable[int]:
        """Return the codes that have a handler."""
        return self._handlers.keys()

    def handle(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer one request; never raises.

        Returns:
            the answer, or None when it comes later or there is none.
        """
        handler = self._handlers.get(request.code, self._not_supported)
        try:
            if self.hooks:
                return self._handle_hooked(handler, connection, request)
            return handler(connection, request)
        except Reject as refusal:
            log = self.refusals.warning if refusal.code in FAULTS else self.refusals.info
            reason = f"code {refusal.code}, {refusal.remark}"
            self._note_refusal(log, connection, request, reason)
            response = request.create_response(refusal.code, refusal.remark)
            response.ext_fields = refusal.ext_fields
            return response
        except ProtocolError as error:
            self._note_refusal(self.refusals.warning, connection, request, str(error))
            return request.create_response(SYSTEM_ERROR, f"{JAVA_COMMAND_EXCEPTION}: {error}")
        except Exception as error:  # noqa: BLE001  one request is the border: logged, answered
            return self.failed(connection, request, error)

    def _handle_hooked(
        self, handler: Handler, connection: Peer, request: RemotingCommand
    ) -> RemotingCommand | None:
        for hook in self.hooks:
            hook.before_request(connection.peer, request)
        response = handler(connection, request)
        for hook in self.hooks:
            hook.after_response(connection.peer, request, response)
        return response

    def _not_supported(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        remark = f" request type {request.code} not supported"
        self.notices.warning("unknown code", "%s%s", connection.peer, remark)
        return request.create_response(REQUEST_CODE_NOT_SUPPORTED, remark)

    def tell_unmatched(self, response: RemotingCommand, peer: str) -> None:
        """Tell of an answer that nobody waits for."""
        self.notices.info(
            "unmatched response",
            "response code %s opaque %s of %s matches no request",
            response.code,
            response.opaque,
            peer,
        )

    def _note_refusal(
        self, log: Callable[..., None], connection: Peer, request: RemotingCommand, reason: str
    ) -> None:
        known = request.code in self._handlers  # anybody can make up others
        name = request_name(request.code)
        log(
            f"refused {name}" if known else "refused",
            "%s of %s is refused: %s",
            f"{name} ({request.code})",
            connection.peer,
            reason,
        )

    def failed(
        self, connection: Peer, request: RemotingCommand, error: Exception
    ) -> RemotingCommand:
        """Log what a request failed with; returns the answer that says so."""
        self.notices.error(
            "handler",
            "request code %s of %s failed: %s",
            request.code,
            connection.peer,
            error,
            exc=None if isinstance(error, OSError) else error,  # the system's, not ours: one line
        )
        remark = printable(f"{type(error).__name__}: {error}", MAX_REMARK)
        return request.create_response(SYSTEM_ERROR, remark)
