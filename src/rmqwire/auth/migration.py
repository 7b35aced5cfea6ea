"""Accounts of access control 1.0 taken over as users and policies of 2.0 (Java ``AuthMigrator``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from rmqwire.auth.auth_table import NORMAL, SUPER
from rmqwire.auth.permission import DENY, PUB, SUB, parse_permission
from rmqwire.auth.policy import CUSTOM, DEFAULT
from rmqwire.codec.bodies import PolicyEntryInfo, PolicyInfo, UserInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.auth.auth_table import AuthTable
    from rmqwire.codec.bodies import PlainAccessConfig

logger = logging.getLogger(__name__)

_ACTIONS: Final = {PUB: ["Pub"], SUB: ["Sub"], PUB | SUB: ["Pub", "Sub"]}


def migrate(accounts: Iterable[PlainAccessConfig], table: AuthTable) -> None:
    """Make a user of each account that has none yet, with its policies.

    Args:
        accounts: as the files of 1.0 have them.
        table: the users.

    Raises:
        AclError: an account can't be a user.
        OSError: the table can't be written.
    """
    for account in accounts:
        name = account.access_key or ""
        if name in table.users:  # what was changed since stays
            continue
        kind = SUPER if account.admin else NORMAL
        table.create_user(UserInfo(name, account.secret_key, kind), policies_of(account))
        logger.warning("account %s of access control 1.0 is user %s now", name, name)
        if account.white_remote_address:
            logger.warning("%s signs everywhere now: white addresses are not taken over", name)


def policies_of(account: PlainAccessConfig) -> list[PolicyInfo]:
    """Return what an account may do as policies: what it names, and by default all else."""
    named = [
        *_entries("Topic", account.topic_perms or ()),
        *_entries("Group", account.group_perms or ()),
    ]
    default = [
        _entry(f"{kind}:*", permission)
        for kind, permission in (
            ("Topic", account.default_topic_perm),
            ("Group", account.default_group_perm),
        )
        if (permission or "").strip()
    ]
    found = (PolicyInfo(CUSTOM, named), PolicyInfo(DEFAULT, default))
    return [policy for policy in found if policy.entries]


def _entries(kind: str, permissions: Iterable[str]) -> Iterable[PolicyEntryInfo]:
    for text in permissions:
        name, sign, permission = text.partition("=")
        if sign and name.strip():
            yield _entry(f"{kind}:{name.strip()}", permission)


def _entry(resource: str, permission: str | None) -> PolicyEntryInfo:
    """Return one rule; a word that 1.0 doesn't know denied there, and does here."""
    bits = parse_permission(permission)
    decision = "Deny" if bits & DENY else "Allow"
    return PolicyEntryInfo(resource, _ACTIONS.get(bits, ["All"]), None, decision)
