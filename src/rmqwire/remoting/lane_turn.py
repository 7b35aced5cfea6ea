"""One turn of a lane: what many connections have brought, in one call.

A call has a price that is the same for one send and for sixty, so the sockets of a pass share one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.handler import Taken

logger = logging.getLogger(__name__)


def take_together(
    offered: Sequence[tuple[Connection, bytes, int]],
) -> Sequence[Taken | None]:
    """Let a lane take what it can of each; what it took is for ``Connection.go_on``.

    Args:
        offered: connections of one server, what their ``offer`` has returned, and 0: nothing is taken of it.

    Returns:
        None for each when the lane fails: then whose fault it was shows when each asks alone.
    """
    lane = offered[0][0].handlers.lane
    if lane is None:
        return [None] * len(offered)
    try:
        return lane.take(offered)
    except Exception:
        logger.exception("the lane failed with %d connections, each asks alone", len(offered))
        return [None] * len(offered)
