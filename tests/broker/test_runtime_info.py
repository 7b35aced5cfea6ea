"""Figures of GET_BROKER_RUNTIME_INFO that are a broker's own."""

from __future__ import annotations

from rmqwire.broker.processors.admin.runtime import RuntimeAdmin
from tests.support import requests
from tests.support.broker import MemoryBroker


def test_what_the_index_has_not_is_behind(tmp_path):
    broker = MemoryBroker(tmp_path)
    store = broker.state.store
    figures = RuntimeAdmin(broker.state)
    broker.connect().call(requests.send(properties="KEYS\x01k\x02"))
    assert figures.table()["dispatchBehindBytes"] == str(store.log.end) != "0"
    while store.build_index():
        pass
    assert figures.table()["dispatchBehindBytes"] == "0"
    broker.connect().call(requests.send(properties="KEYS\x01k\x02"))
    store.config.message_index_enable = False
    assert figures.table()["dispatchBehindBytes"] == "0"
    broker.close()


def test_capacities_are_those_of_the_file(tmp_path):
    broker = MemoryBroker(tmp_path)
    broker.state.config.properties.update(
        sendThreadPoolQueueCapacity="77", endTransactionPoolQueueCapacity=" 88"
    )
    table = RuntimeAdmin(broker.state).table()
    assert table["sendThreadPoolQueueCapacity"] == "77"
    assert table["EndTransactionThreadPoolQueueCapacity"] == "88"
    assert table["pullThreadPoolQueueCapacity"] == "100000"
    broker.close()
