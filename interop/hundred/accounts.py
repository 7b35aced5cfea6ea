"""Why a group got a message twice: each second delivery has its reason, or the accounts don't add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from interop.checks import Message
from interop.hundred.group import Change

COMMITTED_MS = 8_000  # offsets are committed each 5 s, on a busy machine somewhat later
MOVING_MS = 30_000  # a member looks at its share each 20 s, and lets go of a queue first


def reason(first: Message, again: Message, changes: Sequence[Change]) -> str | None:
    """Say why a message came again, None if nothing explains it.

    A member's offsets are committed now and then: who takes a queue over begins at the last commit.
    """
    since = first["consumed"] - MOVING_MS
    between = [one for one in changes if since <= one.at <= again["consumed"]]
    for what in ("kill", "leave"):
        ends = [one.at for one in between if (one.what, one.member) == (what, first["by"])]
        if ends and ends[0] - first["consumed"] <= COMMITTED_MS:
            return f"had by a member that was to {what} before it had committed"
    if between and again["consumed"] - first["consumed"] <= MOVING_MS:
        return "had by a member whose queue went to another one before it had committed"
    return None


def explained(deliveries: Sequence[Message], changes: Sequence[Change]) -> Counter[str]:
    """Count the reasons of all second deliveries.

    Raises:
        AssertionError: one has none.
    """
    last: dict[tuple[int, int], Message] = {}
    reasons: Counter[str] = Counter()
    for one in deliveries:
        place = one["queueId"], one["queueOffset"]
        if place in last:
            why = reason(last[place], one, changes)
            assert why is not None, f"unexplained: {last[place]}, then {one}"
            reasons[why] += 1
        last[place] = one
    return reasons
