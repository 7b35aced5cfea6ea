"""Policies of users: what they allow or deny, on which resources (RIP-63, ``PolicyEntry``, ``Resource``).

A resource is written ``Topic:orders``, ``Topic:ord*``, ``Topic:*`` or ``*``. Of the entries that match
a request the most specific one decides, whatever it says: a name before a longer prefix before a shorter
one before ``*``. Custom policies come before default ones.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.codec.bodies import AclInfo, PolicyEntryInfo, PolicyInfo
from rmqwire.errors import AclError

if TYPE_CHECKING:
    from collections.abc import Iterable

CUSTOM: Final = "Custom"
DEFAULT: Final = "Default"
ALL: Final = "All"
ANY: Final = "Any"
DENY: Final = "Deny"

_ACTIONS: Final = {
    name.lower(): name
    for name in ("Unknown", ALL, ANY, "Pub", "Sub", "Create", "Update", "Delete", "Get", "List")
}
_TYPES: Final = {
    name.lower(): name for name in ("Unknown", ANY, "Cluster", "Namespace", "Topic", "Group")
}
_DECISIONS: Final = {"allow": "Allow", "deny": DENY}
_KINDS: Final = {"custom": CUSTOM, "default": DEFAULT}


class Resource(msgspec.Struct, frozen=True):
    """What an entry is about.

    Args:
        kind: Topic, Group, Cluster, ...; "*" every kind.
        name: the name, or how it begins.
        is_prefix: whether any name that begins so is meant.
    """

    kind: str
    name: str
    is_prefix: bool

    @classmethod
    def read(cls, key: str | None) -> Resource | None:
        """Read ``Topic:name``; None: it is no resource."""
        if key is None or not key.strip():
            return None
        if key == "*":
            return cls("*", "", is_prefix=True)
        head, _, name = key.partition(":")
        kind = _TYPES.get(head.lower())
        if kind is None:
            return None
        return cls(kind, name.partition("*")[0] if name.endswith("*") else name, name.endswith("*"))

    @property
    def key(self) -> str:
        """The text of it."""
        star = "*" if self.is_prefix else ""
        return star if self.kind == "*" else f"{self.kind}:{self.name}{star}"

    def matches(self, kind: str, name: str | None) -> bool:
        """Return whether a topic, group or cluster is meant; None: the request names none."""
        if self.kind not in {"*", kind}:
            return False
        if self.is_prefix:
            return not self.name or (name or "").startswith(self.name)
        return self.name == name

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The order of deciding: the smallest decides."""
        return self.kind == "*", self.is_prefix, -len(self.name)


class Entry(msgspec.Struct):
    """One line of a policy."""

    resource: Resource
    actions: list[str]
    source_ips: list[str]
    decision: str

    def matches(self, kind: str, name: str | None, actions: frozenset[str], host: str) -> bool:
        """Return whether the entry speaks of one of these actions on a resource."""
        return (
            self.resource.matches(kind, name)
            and (ALL in self.actions or not actions.isdisjoint(self.actions))
            and (not self.source_ips or any(_in_range(host, ips) for ips in self.source_ips))
        )


class Policies(msgspec.Struct):
    """All entries of one user, by kind of policy in the order of their making."""

    entries: dict[str, list[Entry]] = msgspec.field(default_factory=dict)

    def decide(self, kind: str, name: str | None, actions: frozenset[str], host: str) -> str | None:
        """Return the decision of the entry that counts; None: none matches."""
        for policy in (CUSTOM, DEFAULT):
            found = [
                entry
                for entry in self.entries.get(policy, ())
                if entry.matches(kind, name, actions, host)
            ]
            if found:
                return min(found, key=lambda entry: entry.resource.rank).decision
        return None

    def update(self, others: Policies) -> None:
        """Take entries over; one of the same resource is replaced where it stands."""
        for policy, entries in others.entries.items():
            mine = self.entries.setdefault(policy, [])
            for entry in entries:
                places = [i for i, old in enumerate(mine) if old.resource == entry.resource]
                if places:
                    mine[places[0]] = entry
                else:
                    mine.append(entry)

    def delete(self, policy: str, resource: Resource) -> None:
        """Remove the entry of a resource, and a policy without entries."""
        left = [entry for entry in self.entries.get(policy, ()) if entry.resource != resource]
        if left:
            self.entries[policy] = left
        else:
            self.entries.pop(policy, None)


def read_policies(infos: Iterable[PolicyInfo]) -> Policies:
    """Read what an administrator sends, or the file holds.

    Raises:
        AclError: Java's words about what can't be used.
    """
    policies = Policies()
    for info in infos:
        entries = [_read_entry(entry) for entry in info.entries or ()]
        if not entries:
            raise AclError("The policy entries is empty.")
        kind = _KINDS.get((info.policy_type or CUSTOM).lower(), CUSTOM)
        policies.update(Policies({kind: entries}))
    if not policies.entries:
        raise AclError("The policies is empty.")
    return policies


def _read_entry(info: PolicyEntryInfo) -> Entry:
    resource = Resource.read(info.resource)
    if resource is None:
        raise AclError("The resource is null.")
    named = (_ACTIONS.get(action.lower()) for action in info.actions or ())
    actions = [action for action in named if action is not None]
    if not actions:
        raise AclError("The actions is empty.")
    if ANY in actions:
        raise AclError("The actions can not be Any.")
    for source in info.source_ips or ():
        if not source.strip():
            raise AclError("The source ip is empty.")
        if not _is_range(source):
            raise AclError("The source ip is invalid.")
    decision = _DECISIONS.get((info.decision or "").lower())
    if decision is None:
        raise AclError("The decision is null or illegal.")
    return Entry(resource, actions, list(info.source_ips or ()), decision)


def shown_policies(subject: str, policies: Policies, resource_filter: str | None = None) -> AclInfo:
    """Return policies as they are sent and kept.

    Args:
        subject: ``User:name``.
        policies: the user's.
        resource_filter: what a resource must have in it, unless the subject has it.
    """
    wanted = resource_filter if resource_filter and resource_filter not in subject else ""
    infos = [
        PolicyInfo(
            policy_type=kind,
            entries=[
                PolicyEntryInfo(
                    resource=entry.resource.key,
                    actions=entry.actions,
                    source_ips=entry.source_ips or None,
                    decision=entry.decision,
                )
                for entry in entries
                if wanted in entry.resource.key
            ],
        )
        for kind, entries in policies.entries.items()
    ]
    return AclInfo(subject=subject, policies=[info for info in infos if info.entries])


def _is_range(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _in_range(host: str, text: str) -> bool:
    if "/" not in text:
        return host == text
    try:
        return ip_address(host) in ip_network(text, strict=False)
    except ValueError:  # an address of the other family, or with a zone
        return False
