"""How long a connection waits for its peer: for a handshake, the rest of a frame, any word at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.remoting.limits import Limits

IDLE_REASON = "idle"  # the close_reason of a connection that was silent for too long


class Patience:
    """When a peer became slow, as far as looks from time to time tell.

    Args:
        limits: what is too slow.
    """

    __slots__ = ("_idle_since", "_limits", "_partial_since", "_shaking_since")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle_since = 0
        self._shaking_since: int | None = None
        self._partial_since: tuple[int, int] | None = None  # (frames then, when)

    def overdue(
        self, mono_ms: int, frames: int, *, active: bool, in_handshake: bool, in_frame: bool
    ) -> tuple[str, str] | None:
        """Return which patience is at its end, as an event and a reason, None while none is.

        Args:
            mono_ms: now.
            frames: received so far: the one that is under way has this number.
            active: something moved since the last look.
            in_handshake: the handshake of TLS isn't over.
            in_frame: a part of a frame is there.
        """
        # each of them keeps its own time, so all are asked
        found = [
            self._handshake(mono_ms, waits=in_handshake),
            self._frame(mono_ms, frames, waits=in_frame),
            self._silence(mono_ms, active=active),
        ]
        return next((late for late in found if late is not None), None)

    def _handshake(self, mono_ms: int, *, waits: bool) -> tuple[str, str] | None:
        if not waits:
            return None
        if self._shaking_since is None:
            self._shaking_since = mono_ms
        elif mono_ms - self._shaking_since >= self._limits.handshake_ms:
            return "handshake", "the handshake of TLS did not end in time"
        return None

    def _frame(self, mono_ms: int, frames: int, *, waits: bool) -> tuple[str, str] | None:
        if not waits:
            self._partial_since = None
            return None
        if self._partial_since is None or self._partial_since[0] != frames:
            self._partial_since = (frames, mono_ms)
        elif mono_ms - self._partial_since[1] >= self._limits.partial_frame_ms:
            return "partial frame", "a frame did not arrive in time"
        return None

    def _silence(self, mono_ms: int, *, active: bool) -> tuple[str, str] | None:
        if active:
            self._idle_since = mono_ms
        elif mono_ms - self._idle_since >= self._limits.idle_ms:
            return "idle", IDLE_REASON
        return None
