"""What the inner half of a broker tells the shell that gives it time and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rmqwire.store.events import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rmqwire.store.events import RecoveryProgress


class BrokerSignals(msgspec.Struct, frozen=True):
    """The calls out of a ``BrokerCore``; all run in the event loop and must not raise.

    Args:
        register_soon: the name servers must hear at once of a change of these topics; none: of all.
        delayed: a delay level has something to look at.
        ops_wanted: ops of transactions must be written, or must be earlier than it looked.
        timed: the queue of timers has.
        flush_wanted: (SYNC_FLUSH) puts wait for the disk.
        stalled: a pass of puts took so long, ms.
        recovering: how far the opening of the store is.
        route_wanted: name servers must be asked for a topic's route.
        broken: the store takes no more messages until the next start; called once.
    """

    register_soon: Callable[[Collection[str]], None] = nothing
    delayed: Callable[[], None] = nothing
    ops_wanted: Callable[[], None] = nothing
    timed: Callable[[], None] = nothing
    flush_wanted: Callable[[], None] = nothing
    stalled: Callable[[int], None] = nothing
    recovering: Callable[[RecoveryProgress], None] = nothing
    route_wanted: Callable[[], None] = nothing
    broken: Callable[[], None] = nothing
