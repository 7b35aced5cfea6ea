"""Access control 2.0 of a broker of 5.x: who is asking, and may he (``auth`` module, RIP-63).

A verdict is kept until users or policies change: what an administrator changes counts with the next request.
Java keeps verdicts for a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.auth.addresses import host_of
from rmqwire.auth.auth_table import DISABLED, SUPER
from rmqwire.auth.contexts import contexts_of
from rmqwire.auth.policy import DENY
from rmqwire.auth.signature import ACCESS_KEY, SIGNATURE, is_signed
from rmqwire.errors import AclError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.auth.auth_table import AuthTable
    from rmqwire.auth.contexts import Context
    from rmqwire.codec.bodies import UserInfo
    from rmqwire.codec.command import RemotingCommand


class AuthService:
    """Authentication and authorization.

    Args:
        table: users and policies.
        cluster: the broker's, a resource.
        authorizes: users may do only what policies allow; else all that are known may do everything.
        unknown_codes: codes that need no user (``authenticationWhitelist``).
        free_codes: codes that need no policy (``authorizationWhitelist``).
    """

    def __init__(
        self,
        table: AuthTable,
        cluster: str,
        *,
        authorizes: bool,
        unknown_codes: frozenset[int] = frozenset(),
        free_codes: frozenset[int] = frozenset(),
    ) -> None:
        self.table = table
        self._cluster = cluster
        self._authorizes = authorizes
        self._unknown_codes = unknown_codes
        self._free_codes = free_codes

    def check(self, peer: str, request: RemotingCommand) -> None:
        """Refuse a request that its sender may not make.

        Args:
            peer: the sender's ``ip:port``.
            request: what he wants.

        Raises:
            AclError: why he may not, in Java's words.
        """
        code = request.code
        fields = request.ext_fields or {}
        try:
            user: UserInfo | None = self._authenticate(fields, request)
        except AclError:
            if code not in self._unknown_codes:
                raise
            user = None
        if not self._authorizes or code in self._free_codes:
            return
        if user is None:  # who he says that he is doesn't count
            if self._contexts(request):
                raise AclError(
                    "Authorization failed. Please verify your access rights and try again."
                )
        elif user.user_type != SUPER:
            self._authorize(user.username, host_of(peer), self._contexts(request))

    def _authenticate(self, fields: Mapping[str, str], request: RemotingCommand) -> UserInfo:
        name = fields.get(ACCESS_KEY)
        if not name:
            raise AclError("username cannot be null.")
        user = self.table.users.get(name)
        if user is None:
            raise AclError(f"User:{name} is not found.")
        if user.user_status == DISABLED:
            raise AclError(f"User:{name} is disabled.")
        secret = (user.password or "").encode()
        if not is_signed(fields, request.body, secret, fields.get(SIGNATURE) or ""):
            raise AclError("check signature failed.")
        return user

    def _contexts(self, request: RemotingCommand) -> list[Context]:
        try:
            return contexts_of(request, self._cluster)
        except ProtocolError:
            raise AclError("parse authorization context error.") from None

    def _authorize(self, name: str, host: str, contexts: list[Context]) -> None:
        for kind, wanted, actions in contexts:
            decision = self.table.decide(name, kind, wanted, actions, host)
            if decision is None or decision == DENY:
                why = "no matched policies." if decision is None else "the decision is deny."
                shown = "null" if wanted is None else wanted
                raise AclError(
                    f"User:{name} has no permission to access {kind}:{shown} from {host}, {why}"
                )
