"""Tables that are asked for in pieces (5.x ``enableSplitMetadata``).

A slave or a tool asks for names from a sequence number on, in sorted order, as long as the table's
version is still the one it began with; when it isn't, it gets the table from its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from rmqwire.codec.bodies import DataVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

SPLIT_METADATA_SIZE: Final = 2000  # splitMetadataSize: entries of an answer at most


def page(
    table: Mapping[str, T], version: DataVersion, asked: str | None, begin: int, size: int | None
) -> dict[str, T]:
    """Cut one piece out of a table.

    Args:
        table: all entries.
        version: the table's version now.
        asked: the version that the asker began with, as JSON; blank: it begins.
        begin: sequence number of the first entry.
        size: entries that the asker takes at most; None: as many as there are.

    Raises:
        BadBody: ``asked`` isn't a version.
    """
    if asked is None or not asked.strip() or DataVersion.decode(asked.encode()) != version:
        begin = 0
    count = SPLIT_METADATA_SIZE if size is None else min(size, SPLIT_METADATA_SIZE)
    names = sorted(table)[max(begin, 0) :][: max(count, 0)]
    return {name: table[name] for name in names}
