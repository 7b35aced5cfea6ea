"""The broker in memory that the programs talk to."""

from tests.support.embedded import rmq, server

__all__ = ["rmq", "server"]
