"""A name server and a broker for tests: real TCP, files in memory, a clock that can be turned.

``cluster()`` runs them in a thread of their own, for tests and programs of any kind;
``trio_cluster()`` in the caller's event loop. The pytest fixtures ``rmq`` and ``rmq_trio`` give the
same. Nothing is imported before it is used, so that the pytest plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.testing.in_loop import TrioCluster, trio_cluster
    from rmqwire.testing.threaded import Cluster, cluster, remote_cluster

_HOME = {
    "Cluster": "rmqwire.testing.threaded",
    "TrioCluster": "rmqwire.testing.in_loop",
    "cluster": "rmqwire.testing.threaded",
    "remote_cluster": "rmqwire.testing.threaded",
    "trio_cluster": "rmqwire.testing.in_loop",
}
__all__ = ["Cluster", "TrioCluster", "cluster", "remote_cluster", "trio_cluster"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
