"""The lock of a store's folder: a POSIX record lock, as Java's ``FileChannel.tryLock`` takes one.

Only systems that run a broker have it; reading a store elsewhere doesn't need it.
"""

from __future__ import annotations

import errno

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    _lockf = None
else:
    _lockf = fcntl.lockf
    _EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB


def take(handle: int) -> None:
    """Lock a file that is open for writing, until it is closed.

    Raises:
        OSError: another process holds the lock, or this system has none (``ENOTSUP``).
    """
    if _lockf is None:
        raise OSError(errno.ENOTSUP, "this system has no record locks")
    _lockf(handle, _EXCLUSIVE)
