"""Users and policies of access control 2.0 (mqadmin's ``auth``, from 5.3 on)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.admin.asking import Asking
from rmqwire.codec.bodies import AclInfo, PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    CreateAclRequestHeader,
    CreateUserRequestHeader,
    DeleteAclRequestHeader,
    DeleteUserRequestHeader,
    GetAclRequestHeader,
    GetUserRequestHeader,
    ListAclsRequestHeader,
    ListUsersRequestHeader,
    UpdateAclRequestHeader,
    UpdateUserRequestHeader,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def policies_of(
    subject: str,
    resources: Iterable[str],
    actions: Sequence[str],
    decision: str,
    source_ips: Sequence[str] | None = None,
) -> AclInfo:
    """Return one policy with a rule for each resource (``AclInfo.of``).

    Args:
        subject: whose, ``User:name``.
        resources: ``Topic:name``, ``Group:name*``, ``Cluster:name``.
        actions: ``Pub``, ``Sub``, ``Create``, ``All`` and others.
        decision: ``Allow`` or ``Deny``.
        source_ips: from these addresses; None: from any.
    """
    sources = None if source_ips is None else list(source_ips)
    entries = [PolicyEntryInfo(one, list(actions), sources, decision) for one in resources]
    return AclInfo(subject, [PolicyInfo(entries=entries)])


class AuthVerbs(Asking):
    """What is asked about users and policies."""

    async def create_user(self, addr: str, user: UserInfo) -> None:
        """Add a user to a broker (``createUser``)."""
        header = CreateUserRequestHeader(username=user.username)
        await self._ask(addr, RequestCode.AUTH_CREATE_USER, header, user.encode(self._release))

    async def update_user(self, addr: str, user: UserInfo) -> None:
        """Change what is given of a user (``updateUser``)."""
        header = UpdateUserRequestHeader(username=user.username)
        await self._ask(addr, RequestCode.AUTH_UPDATE_USER, header, user.encode(self._release))

    async def delete_user(self, addr: str, username: str) -> None:
        """Remove a user and its policies from a broker (``deleteUser``)."""
        header = DeleteUserRequestHeader(username=username)
        await self._ask(addr, RequestCode.AUTH_DELETE_USER, header)

    async def get_user(self, addr: str, username: str) -> UserInfo | None:
        """Return a user of a broker, None when it isn't there (``getUser``)."""
        header = GetUserRequestHeader(username=username)
        answer = await self._ask(addr, RequestCode.AUTH_GET_USER, header)
        return UserInfo.decode(answer.body, self._release) if _holds(answer.body) else None

    async def list_user(self, addr: str, name_filter: str | None = None) -> list[UserInfo]:
        """Return the users of a broker whose names hold a text (``listUser``)."""
        header = ListUsersRequestHeader(filter=name_filter)
        answer = await self._ask(addr, RequestCode.AUTH_LIST_USER, header)
        return UserInfo.decode_list(answer.body, self._release)

    async def copy_user(
        self, source: str, target: str, usernames: Sequence[str] | None = None
    ) -> list[UserInfo]:
        """Give a broker the users of another, and return them (``copyUser``).

        Args:
            source: the broker that has them.
            target: the broker that gets them.
            usernames: those; None: all.
        """
        if usernames is None:
            users = await self.list_user(source)
        else:
            asked = [await self.get_user(source, name) for name in usernames]
            users = [user for user in asked if user is not None]
        for user in users:
            known = await self.get_user(target, user.username) is not None
            await (self.update_user if known else self.create_user)(target, user)
        return users

    async def create_acl(self, addr: str, acl: AclInfo) -> None:
        """Add rules to a subject's policies (``createAcl``)."""
        header = CreateAclRequestHeader(subject=acl.subject)
        await self._ask(addr, RequestCode.AUTH_CREATE_ACL, header, acl.encode(self._release))

    async def update_acl(self, addr: str, acl: AclInfo) -> None:
        """Change rules of a subject's policies, or add them (``updateAcl``)."""
        header = UpdateAclRequestHeader(subject=acl.subject)
        await self._ask(addr, RequestCode.AUTH_UPDATE_ACL, header, acl.encode(self._release))

    async def delete_acl(self, addr: str, subject: str, resource: str | None = None) -> None:
        """Remove a subject's rule for a resource; None: all its policies (``deleteAcl``)."""
        header = DeleteAclRequestHeader(subject=subject, resource=resource)
        await self._ask(addr, RequestCode.AUTH_DELETE_ACL, header)

    async def get_acl(self, addr: str, subject: str) -> AclInfo | None:
        """Return a subject's policies, None when it has none (``getAcl``)."""
        header = GetAclRequestHeader(subject=subject)
        answer = await self._ask(addr, RequestCode.AUTH_GET_ACL, header)
        return AclInfo.decode(answer.body, self._release) if _holds(answer.body) else None

    async def list_acl(
        self, addr: str, subject: str | None = None, resource: str | None = None
    ) -> list[AclInfo]:
        """Return the policies whose subject and resource hold these texts (``listAcl``)."""
        header = ListAclsRequestHeader(subject_filter=subject, resource_filter=resource)
        answer = await self._ask(addr, RequestCode.AUTH_LIST_ACL, header)
        return AclInfo.decode_list(answer.body, self._release)

    async def copy_acl(
        self, source: str, target: str, subjects: Sequence[str] | None = None
    ) -> list[AclInfo]:
        """Give a broker the policies of another, and return them (``copyAcl``).

        Args:
            source: the broker that has them.
            target: the broker that gets them.
            subjects: of these; None: of all.
        """
        if subjects is None:
            acls = await self.list_acl(source)
        else:
            asked = [await self.get_acl(source, subject) for subject in subjects]
            acls = [acl for acl in asked if acl is not None]
        for acl in acls:
            known = await self.get_acl(target, acl.subject or "") is not None
            await (self.update_acl if known else self.create_acl)(target, acl)
        return acls


def _holds(body: bytes | memoryview) -> bool:
    """Return whether an answer names something: of what isn't there the body is empty or null."""
    return bytes(body) not in {b"", b"null"}
