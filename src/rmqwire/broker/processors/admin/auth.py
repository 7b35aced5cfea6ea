"""Users and policies of 5.x: mqadmin's ``createUser``, ``updateUser``, ``deleteUser``, ``getUser``,
``listUser``, ``createAcl``, ``updateAcl``, ``deleteAcl``, ``getAcl``, ``listAcl``, ``copyUser``, ``copyAcl``.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rmqwire.auth.auth_table import SUPER, is_subject
from rmqwire.auth.signature import ACCESS_KEY
from rmqwire.codec.bodies import AclInfo, UserInfo
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    CreateAclRequestHeader,
    CreateUserRequestHeader,
    DeleteAclRequestHeader,
    DeleteUserRequestHeader,
    GetAclRequestHeader,
    GetUserRequestHeader,
    ListAclsRequestHeader,
    ListUsersRequestHeader,
)
from rmqwire.errors import AclError
from rmqwire.remoting.handler import NOT_SET, Reject
from rmqwire.settings.secret import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rmqwire.auth.auth_table import AuthTable
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies.base import Body
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)

NOT_ENABLED = "access control is not enabled: authenticationEnabled=false"
ONLY_BY_SUPER = "The super user can only be update by super user"


class AuthAdmin:
    """Answers the ten requests about users and policies.

    Args:
        state: the broker, with or without access control.
    """

    def __init__(self, state: BrokerState) -> None:
        self._auth = state.auth
        self._release = state.release

    # --- users

    def create_user(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Add a user; a super user only for a super user."""
        table = self._table()
        info = self._user(request, request.decode_header(CreateUserRequestHeader).username)
        if _wants_super(info) and not self._by_super(table, request):
            remark = "The super user can only be create by super user"
            raise Reject(ResponseCode.SYSTEM_ERROR, remark)
        with _refusing():
            table.create_user(info)
        logger.warning("user %s is created by %s", info.username, connection.peer)
        return request.create_response(remark=NOT_SET)

    def update_user(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Change a user; a super user only for a super user."""
        table = self._table()
        info = self._user(request, request.decode_header(CreateUserRequestHeader).username)
        by_super = self._by_super(table, request)
        if _wants_super(info) and not by_super:
            raise Reject(ResponseCode.SYSTEM_ERROR, ONLY_BY_SUPER)
        with _refusing():
            if table.is_super(info.username) and not by_super:
                raise AclError(ONLY_BY_SUPER)
            table.update_user(info)
        logger.warning("user %s is changed by %s", info.username, connection.peer)
        return request.create_response(remark=NOT_SET)

    def delete_user(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Remove a user and its policies."""
        table = self._table()
        name = request.decode_header(DeleteUserRequestHeader).username or ""
        with _refusing():
            if table.is_super(name) and not self._by_super(table, request):
                raise AclError(ONLY_BY_SUPER)
            table.delete_user(name)
        logger.warning("user %s is deleted by %s", name, connection.peer)
        return request.create_response(remark=NOT_SET)

    def get_user(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return a user; no body when there is none."""
        table = self._table()
        name = _named(request.decode_header(GetUserRequestHeader).username)
        user = table.users.get(name)
        if user is None:
            return request.create_response(remark=NOT_SET)
        shown = self._shown(table, request, user)
        return request.create_response(remark=NOT_SET, body=shown.encode(self._release))

    def list_users(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the users whose name has a text in it."""
        table = self._table()
        wanted = request.decode_header(ListUsersRequestHeader).filter or ""
        found = [
            self._shown(table, request, user)
            for name, user in sorted(table.users.items())
            if wanted.strip() in name
        ]
        return request.create_response(remark=NOT_SET, body=self._array(found))

    # --- policies

    def update_acl(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Add or replace entries: ``createAcl`` and ``updateAcl`` do the same."""
        table = self._table()
        info = AclInfo.decode(request.body, self._release)
        subject = _subject(info.subject or request.decode_header(CreateAclRequestHeader).subject)
        with _refusing():
            table.update_acl(subject, info)
        logger.warning("policies of %s are set by %s", subject, connection.peer)
        return request.create_response(remark=NOT_SET)

    def delete_acl(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Remove one entry, or all policies of a user."""
        table, header = self._table(), request.decode_header(DeleteAclRequestHeader)
        with _refusing():
            table.delete_acl(_subject(header.subject), header.policy_type, header.resource)
        logger.warning("policies of %s are deleted by %s", header.subject, connection.peer)
        return request.create_response(remark=NOT_SET)

    def get_acl(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the policies of a user; no body when it has none."""
        table = self._table()
        with _refusing():
            info = table.acl_of(_subject(request.decode_header(GetAclRequestHeader).subject))
        body = b"" if info is None else info.encode(self._release)
        return request.create_response(remark=NOT_SET, body=body)

    def list_acls(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the policies of several users."""
        table, header = self._table(), request.decode_header(ListAclsRequestHeader)
        found = table.acls(header.subject_filter, header.resource_filter)
        return request.create_response(remark=NOT_SET, body=self._array(found))

    # --- what they share

    def _table(self) -> AuthTable:
        if self._auth is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, NOT_ENABLED)
        return self._auth.table

    def _user(self, request: RemotingCommand, name: str | None) -> UserInfo:
        info = UserInfo.decode(request.body, self._release)
        info.username = _named(name)
        return info

    def _by_super(self, table: AuthTable, request: RemotingCommand) -> bool:
        return table.is_super((request.ext_fields or {}).get(ACCESS_KEY) or "")

    def _shown(self, table: AuthTable, request: RemotingCommand, user: UserInfo) -> UserInfo:
        """Return a user as the sender may see it: passwords are for super users, who copy them."""
        return UserInfo(
            username=user.username,
            password=user.password if self._by_super(table, request) else REDACTED,
            user_type=user.user_type,
            user_status=user.user_status,
        )

    def _array(self, bodies: Sequence[Body]) -> bytes:
        texts = [body.encode(self._release) for body in bodies]
        return b"[%s]" % b",".join(texts) if texts else b""


def _named(name: str | None) -> str:
    if not name or not name.strip():
        raise Reject(ResponseCode.INVALID_PARAMETER, "The username is blank")
    return name


def _subject(text: str | None) -> str:
    if text is None or not is_subject(text):
        raise Reject(ResponseCode.SYSTEM_ERROR, "An system error occurred, please try again later.")
    return text


def _wants_super(info: UserInfo) -> bool:
    return (info.user_type or "").lower() == SUPER.lower()


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what can't be done into Java's answer."""
    try:
        yield
    except AclError as error:
        raise Reject(ResponseCode.NO_PERMISSION, str(error)) from None
    except OSError as error:
        raise Reject(ResponseCode.SYSTEM_ERROR, f"not written: {error}") from None
