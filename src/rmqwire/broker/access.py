"""Asks access control about every request before its handler (``BrokerController.initialAcl``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import AclError
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.auth.plain_acl import PlainAcl
    from rmqwire.codec.command import RemotingCommand

_PACKAGE: Final = "org.apache.rocketmq.acl"


class AccessHook:
    """The hook of a broker with ``aclEnable``.

    Args:
        acl: who may do what.
    """

    def __init__(self, acl: PlainAcl) -> None:
        self._acl = acl

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse what the sender may not do, in the words of Java's answer: exception and place."""
        try:
            self._acl.check(addr, request)
        except AclError as error:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                f"{_PACKAGE}.common.AclException: {error}, {_PACKAGE}.{error.frame}",
            ) from None

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Nothing is to be done with an answer."""
