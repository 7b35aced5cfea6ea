"""How much one connection may ask of us: sizes, counts and silences, all in one place."""

from __future__ import annotations

import msgspec

KIB = 1024
MIB = 1024 * KIB


class Limits(msgspec.Struct, frozen=True):
    """Limits of each connection; the defaults are Java's where Java has one.

    Args:
        max_frame: bytes of a whole frame, the 4-byte length word counted
            (``com.rocketmq.remoting.frameMaxLength``).
        async_requests: requests of ours without an answer yet (``clientAsyncSemaphoreValue``).
        oneway_requests: oneway requests of ours not yet sent (``clientOnewaySemaphoreValue``).
        pause_bytes: unsent answers at which a pass stops taking further requests of the peer
            until they are sent, so that a peer that asks much and reads nothing costs little.
        outbox_bytes: unsent bytes at which the connection is closed. Java has no bound here
            (``writeBufferHighWaterMark`` is 0).
        idle_ms: silence in both directions after which the connection is closed
            (``serverChannelMaxIdleTimeSeconds``, ``clientChannelMaxIdleTimeSeconds``).
        partial_frame_ms: how long one frame may take to arrive.
        handshake_ms: how long the handshake of TLS may take.
        connect_ms: how long connecting may take (``connectTimeoutMillis``).
        drain_ms: how long a stopping server goes on sending answers that are ready.
        connections: of one server at a time; 0 for what half to three quarters of the files that
            the process may open allow, so that the store can always open its own.
    """

    max_frame: int = 16 * MIB
    async_requests: int = 65_535
    oneway_requests: int = 65_535
    pause_bytes: int = 512 * KIB
    outbox_bytes: int = 64 * MIB
    idle_ms: int = 120_000
    partial_frame_ms: int = 30_000
    handshake_ms: int = 10_000
    connect_ms: int = 3_000
    drain_ms: int = 3_000
    connections: int = 0


DEFAULT_LIMITS = Limits()
