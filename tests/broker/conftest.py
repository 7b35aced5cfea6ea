from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rmqwire.codec.release import DEFAULT_RELEASE, Release
from tests.broker.admin_support import AdminBroker


@pytest.fixture
def admin_broker() -> Iterator[Callable[..., AdminBroker]]:
    """Make brokers without sockets, closed at the end."""
    brokers: list[AdminBroker] = []

    def make(release: Release = DEFAULT_RELEASE, **settings: object) -> AdminBroker:
        brokers.append(AdminBroker(release, **settings))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.close()
