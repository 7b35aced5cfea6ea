"""Users and policies as a Java broker keeps them: rows of RocksDB, JSON with numbers for what is named.

``LocalAuthenticationMetadataProvider`` has a row by name of each user, ``LocalAuthorizationMetadataProvider``
one by subject of each user's policies.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rmqwire.auth.auth_table import DISABLED, ENABLED, NORMAL, SUPER, name_of
from rmqwire.auth.policy import CUSTOM, DEFAULT
from rmqwire.codec.bodies import PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.errors import AclError, BadBody

if TYPE_CHECKING:
    from collections.abc import Mapping

_USER_TYPES: Final = {1: SUPER, 2: NORMAL}
_STATUSES: Final = {1: ENABLED, 2: DISABLED}
_KINDS: Final = {1: CUSTOM, 2: DEFAULT}
_DECISIONS: Final = {1: "Allow", 2: "Deny"}
_RESOURCES: Final = {1: "Any", 2: "Cluster", 3: "Namespace", 4: "Topic", 5: "Group"}
_ANY_KIND: Final = "Any"
_ANY: Final = 1  # ResourcePattern
_STARS: Final = {2: "", 3: "*"}  # LITERAL, PREFIXED
_ACTIONS: Final = {
    1: "All",
    2: "Any",
    3: "Pub",
    4: "Sub",
    5: "Create",
    6: "Update",
    7: "Delete",
    8: "Get",
    9: "List",
}


def read_rows(
    users: Mapping[bytes, bytes], acls: Mapping[bytes, bytes]
) -> list[tuple[UserInfo, list[PolicyInfo]]]:
    """Return each user with its policies, in the order of the rows.

    Args:
        users: of the database ``users``.
        acls: of the database ``acls``; policies of nobody count for nothing, as in Java.

    Raises:
        BadBody: a row can't be read; no value is quoted.
    """
    policies = {_subject(key): _policies(key, value) for key, value in acls.items()}
    found = (_user(key, value) for key, value in users.items())
    return [(user, policies.get(user.username, [])) for user in found]


def _subject(key: bytes) -> str:
    try:
        return name_of(key.decode())
    except (AclError, UnicodeDecodeError):
        raise BadBody(f"{key!r} is no subject") from None


def _user(key: bytes, value: bytes) -> UserInfo:
    try:
        row = json.loads(value)
        return UserInfo(
            username=row["username"],
            password=row["password"],
            user_type=_USER_TYPES[row["userType"]],
            user_status=_STATUSES[row["userStatus"]],
        )
    except (ValueError, KeyError, TypeError):
        raise BadBody(f"the row of user {key!r} can't be read") from None


def _policies(key: bytes, value: bytes) -> list[PolicyInfo]:
    try:
        return [
            PolicyInfo(_KINDS[policy["policyType"]], [_entry(row) for row in policy["entries"]])
            for policy in json.loads(value)["policies"]
        ]
    except (ValueError, KeyError, TypeError):
        raise BadBody(f"the policies of {key!r} can't be read") from None


def _entry(row: dict[str, Any]) -> PolicyEntryInfo:
    return PolicyEntryInfo(
        resource=_resource(row["resource"]),
        actions=[_ACTIONS[action] for action in row["actions"]],
        source_ips=(row.get("environment") or {}).get("sourceIps"),
        decision=_DECISIONS[row["decision"]],
    )


def _resource(row: dict[str, Any]) -> str:
    """Return a resource as it is written (``Resource.getResourceKey``)."""
    kind, pattern = _RESOURCES[row["resourceType"]], row["resourcePattern"]
    if kind == _ANY_KIND:
        return "*"
    if pattern == _ANY:
        return f"{kind}:*"
    return f"{kind}:{row['resourceName']}{_STARS[pattern]}"
