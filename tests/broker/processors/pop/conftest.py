"""A broker that hands messages out, and a consumer of them."""

from __future__ import annotations

import pytest

from tests.broker.pop.support import TOPIC, Consumer, PopBroker
from tests.support import requests


@pytest.fixture
def broker():
    made = PopBroker()
    yield made
    made.close()


@pytest.fixture
def consumer(broker: PopBroker) -> Consumer:
    made = Consumer(broker)
    made.client.call(requests.create_topic(TOPIC, queues=2))
    return made
