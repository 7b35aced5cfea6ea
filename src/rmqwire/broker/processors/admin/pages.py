"""Tables that are asked for in pieces (5.x ``enableSplitMetadata``).

A slave or a tool asks for names from a sequence number on, in sorted order, as long as the table's
version is still the one it began with; when it isn't, it gets the table from its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rmqwire.codec.bodies import DataVersion

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import BrokerConfig

T = TypeVar("T")


def page(
    config: BrokerConfig,
    table: dict[str, T],
    version: DataVersion,
    asked: str | None,
    begin: int,
    size: int | None,
) -> dict[str, T]:
    """Cut one piece out of a table; all of it without ``enableSplitMetadata``.

    Args:
        config: the broker's settings.
        table: all entries.
        version: the table's version now.
        asked: the version that the asker began with, as JSON; blank: it begins.
        begin: sequence number of the first entry.
        size: entries that the asker takes at most; None: as many as there are.

    Raises:
        BadBody: ``asked`` isn't a version.
    """
    if not config.enable_split_metadata:
        return table
    if asked is None or not asked.strip() or DataVersion.decode(asked.encode()) != version:
        begin = 0
    most = config.split_metadata_size
    count = most if size is None else min(size, most)
    names = sorted(table)[max(begin, 0) :][: max(count, 0)]
    return {name: table[name] for name in names}
