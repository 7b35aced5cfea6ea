"""Dividing the queues of a topic among a group (``AllocateMessageQueueAveragely``).

Every member computes this alone, Java and Python ones alike, so all must come to the same result:
both lists are sorted first, and client ids by UTF-16 units as Java's String does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.codec.bodies import MessageQueue


def sort_client_ids(client_ids: Iterable[str]) -> list[str]:
    """Sort as ``Collections.sort`` does Strings: above U+FFFF Python's own order is another."""
    return sorted(client_ids, key=lambda text: text.encode("utf-16-be", "surrogatepass"))


def allocate_averagely(
    client_id: str, queues: Iterable[MessageQueue], client_ids: Iterable[str]
) -> list[MessageQueue]:
    """Return the queues that are ``client_id``'s part.

    Args:
        client_id: whose part.
        queues: all queues of the topic, in any order.
        client_ids: all members of the group, in any order.

    Returns:
        consecutive queues; the first members get one more when it doesn't come out even. None for
        a client that isn't a member.
    """
    members = sort_client_ids(client_ids)
    ordered = sorted(queues)
    if client_id not in members:
        return []
    index = members.index(client_id)
    share, rest = divmod(len(ordered), len(members))
    start = index * share + min(index, rest)
    return ordered[start : start + share + (index < rest)]
