"""Lines of stdin as they come, without holding up the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

CHUNK = 65_536


async def lines(file: BinaryIO) -> AsyncGenerator[bytes]:
    """Return every line without its end; the last one also without a newline."""
    # The file below the buffer: a thread that waits in a buffered read holds the buffer's lock, and
    # an interpreter that ends meanwhile (Ctrl-C) aborts on it.
    read: Callable[[int], bytes] = getattr(file, "raw", file).read
    rest = b""
    while chunk := await trio.to_thread.run_sync(read, CHUNK, abandon_on_cancel=True):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest
