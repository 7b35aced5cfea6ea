"""Permissions of topics and groups (Java ``Permission`` of access control 1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import RequestCode as R
from rmqwire.errors import AclError

if TYPE_CHECKING:
    from collections.abc import Iterable

DENY: Final = 1
PUB: Final = 4
SUB: Final = 8

_WORDS: Final = {"PUB": PUB, "SUB": SUB, "PUB|SUB": PUB | SUB, "SUB|PUB": PUB | SUB}

# Requests for administrators only: Java's five, and the four about accounts that it forgot.
ADMIN_CODES: Final = frozenset(
    int(code)
    for code in (
        R.UPDATE_AND_CREATE_TOPIC,
        R.UPDATE_BROKER_CONFIG,
        R.DELETE_TOPIC_IN_BROKER,
        R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
        R.DELETE_SUBSCRIPTIONGROUP,
        R.UPDATE_AND_CREATE_ACL_CONFIG,
        R.DELETE_ACL_CONFIG,
        R.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG,
        R.GET_BROKER_CLUSTER_ACL_CONFIG,
    )
)


def parse_permission(text: str | None) -> int:
    """Return the bits of ``PUB``, ``SUB`` or both; anything else is DENY (``parsePermFromString``)."""
    return _WORDS.get((text or "").strip(), DENY)


def is_allowed(needed: int, owned: int) -> bool:
    """Return whether what one has is enough for what one wants (``checkPermission``)."""
    return not owned & DENY and bool(needed & owned)


def parse_resource(text: str, kind: str) -> tuple[str, int]:
    """Read ``topicA=PUB|SUB`` as a name and bits (``parseResourcePerms``).

    Args:
        text: as it stands in a file.
        kind: ``topic`` or ``group``, for the error.

    Raises:
        AclError: it is something else.
    """
    items = _items(text)
    if len(items) != 2:
        raise AclError(f"Parse resource permission failed for {kind}:{text}")
    return items[0].strip(), parse_permission(items[1])


def check_resources(texts: Iterable[str]) -> None:
    """Check what an administrator sets, more strictly than a file (``checkResourcePerms``).

    Raises:
        AclError: one is not of the form ``name=permission``, or its permission is none.
    """
    for text in texts:
        items = _items(text)
        if len(items) != 2:
            raise AclError(
                f"Parse Resource format error for {text}.\n"
                "The expected resource format is 'Res=Perm'. For example: topicA=SUB"
            )
        if items[1].strip() not in {*_WORDS, "DENY"}:
            raise AclError(
                f"Parse resource permission error for {text}.\n"
                "The expected permissions are 'SUB' or 'PUB' or 'SUB|PUB' or 'PUB|SUB'."
            )


def _items(text: str) -> list[str]:
    return [item for item in text.split("=") if item]
