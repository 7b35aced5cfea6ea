"""Consumer offsets with ``enableLmq``: Java's file, light groups, the file of before."""

from __future__ import annotations

import pytest

from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.broker.tables.lmq_offsets import LmqConsumerOffsetManager
from rmqwire.broker.tables.offsets import ConsumerOffsetManager
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.disk.table_file import ConfigFile
from tests.support.broker import MemoryBroker
from tests.support.memory_files import MemoryFiles

FOLDER = "store/config"
NOW = 1_795_278_153_671
# As a broker of 5.5.0 wrote it.
JAVA = b"""{
\t"dataVersion":{
\t\t"counter":0,
\t\t"stateVersion":0,
\t\t"timestamp":1795278153671
\t},
\t"groupTopicMap":{},
\t"lmqOffsetTable":{
\t\t"%LMQ%one@%LMQ%readers":7
\t},
\t"offsetTable":{},
\t"pullOffsetTable":{}
}"""
PLAIN = b'{"offsetTable":{"T@g":{0:3,1:4}}}'


def manager(files, release=V5_5_0):
    files.makedirs(FOLDER)
    file, before = (
        ConfigFile(f"{FOLDER}/{name}.json", files, holds="offsetTable")
        for name in ("lmqConsumerOffset", "consumerOffset")
    )
    config = BrokerConfig(broker_name="a")
    return LmqConsumerOffsetManager(config, release, file, lambda: NOW, before)


def with_files(**texts):
    files = MemoryFiles()
    for name, text in texts.items():
        files.put(f"{FOLDER}/{name}.json", text)
    return files


def test_java_s_file_is_read_and_written_byte_for_byte():
    ours = manager(with_files(lmqConsumerOffset=JAVA))
    assert ours.load()
    assert ours.query("%LMQ%readers", "%LMQ%one", 0) == 7
    assert ours.query("%LMQ%readers", "%LMQ%one", 5) == 7
    ours.persist()
    assert ours.snapshot()() == JAVA


def test_light_and_other_groups_have_tables_of_their_own():
    files = MemoryFiles()
    ours = manager(files)
    ours.commit("1.2.3.4:5", "%LMQ%g", "%LMQ%t", 3, 8)
    ours.commit("1.2.3.4:5", "g", "t", 3, 9)
    content = ours.wrapper()
    assert content["lmqOffsetTable"] == {"%LMQ%t@%LMQ%g": 8}
    assert content["offsetTable"] == {"t@g": {3: 9}}
    ours.persist()
    again = manager(files)
    assert again.load()
    assert again.table == ours.table
    assert files.list(FOLDER) == ["lmqConsumerOffset.json"]


def test_what_the_broker_knew_before_is_not_lost():
    ours = manager(with_files(consumerOffset=PLAIN))
    assert ours.load()
    assert ours.offsets_of("g", "T") == {0: 3, 1: 4}
    ours.persist()
    both = manager(with_files(consumerOffset=PLAIN, lmqConsumerOffset=JAVA))
    assert both.load()
    assert both.offsets_of("g", "T") == {}


def test_4_9_has_the_two_tables_only():
    ours = manager(MemoryFiles(), V4_9_7)
    assert list(ours.wrapper()) == ["lmqOffsetTable", "offsetTable"]
    assert not ours.load()


def test_a_slave_takes_both_tables_of_its_master():
    master = manager(MemoryFiles())
    master.commit("h", "%LMQ%g", "%LMQ%t", 0, 8)
    master.commit("h", "g", "t", 1, 9)
    files = MemoryFiles()
    files.makedirs(FOLDER)
    slave = ConsumerOffsetManager(
        BrokerConfig(), V5_5_0, ConfigFile(f"{FOLDER}/x.json", files), lambda: NOW
    )
    slave.take_over(master.snapshot()())
    assert slave.table == {"%LMQ%t@%LMQ%g": {0: 8}, "t@g": {1: 9}}


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(tmp_path, enable_lmq=True, enable_multi_dispatch=True)
    yield made
    made.close()


def test_a_light_group_needs_no_configuration(broker):
    client = broker.connect("127.0.0.1:43210")
    names = {"consumerGroup": "%LMQ%g", "topic": "%LMQ%t", "queueId": "0"}
    commit = RemotingCommand(RequestCode.UPDATE_CONSUMER_OFFSET, names | {"commitOffset": "5"})
    assert client.call(commit).code == 0
    answer = client.call(RemotingCommand(RequestCode.QUERY_CONSUMER_OFFSET, names))
    assert (answer.code, answer.ext_fields["offset"]) == (0, "5")
    groups = broker.state.groups
    assert groups.contains("%LMQ%g")
    assert "%LMQ%g" not in groups.table
    assert groups.find("%LMQ%g").group_name == "%LMQ%g"
