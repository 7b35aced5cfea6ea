"""The broker's and the name server's files under fire: JSON tables, broker.conf, namesrv.conf."""

from __future__ import annotations

import tempfile
from functools import cache, partial
from pathlib import Path

from rmqwire.broker.settings.load import Machine, load_broker_config
from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.broker.tables.groups import SubscriptionGroupManager
from rmqwire.broker.tables.offsets import ConsumerOffsetManager
from rmqwire.broker.tables.topics import TopicConfigManager
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.table_file import ConfigFile
from rmqwire.namesrv.config import load_namesrv_config
from rmqwire.namesrv.kv_config import KVConfigManager
from tests.support.golden import store_archives, store_files
from tests.support.memory_files import MemoryFiles

TABLES = {
    "topics.json": partial(TopicConfigManager, changed=lambda: None),
    "subscriptionGroup.json": partial(SubscriptionGroupManager, changed=lambda: None),
    "consumerOffset.json": ConsumerOffsetManager,
}
NAMES = tuple(TABLES)
PLACE = "/config"
MACHINE = Machine({}, "/home/mq", lambda: "host-1", lambda: ["10.1.2.3"])
BROKER_CONFS = (
    b"brokerClusterName = DefaultCluster\nbrokerName=broker-a\nbrokerId=0\ndeleteWhen=04\n",
    b"listenPort=10911\nnamesrvAddr=10.0.0.1:9876;10.0.0.2:9876\nflushDiskType=SYNC_FLUSH\n",
    b"brokerRole=SLAVE\nbrokerId=1\nhaListenPort=10912\nstorePathRootDir=/data/\\u0061\n",
    b"# comment\nmaxMessageSize: 65536\nmessageDelayLevel=1s 5s \\\n  10s\nrocketmqVersion=4.9.7\n",
    b"mappedFileSizeCommitLog=1073741824\nautoCreateTopicEnable=false\nbrokerPermission=6\n",
)
NAMESRV_CONFS = (
    b"listenPort=9876\nbindAddress=0.0.0.0\nkvConfigPath=/tmp/kv.json\nclusterTest=false\n",
    b"orderMessageEnable=true\nregisterAllowList=10.0.0.0/8;127.0.0.1\nrocketmqVersion=5.5.0\n",
)
KV_TABLES = (
    b'{"configTable":{"ORDER_TOPIC_CONFIG":{"T":"broker-a:4;broker-b:4"},"NSX":{"k1":"v1"}}}',
)


@cache
def tables() -> list[bytes]:
    """Return recorded tables, which of them in the first byte."""
    return [
        bytes([number]) + store_files(archive)[path]
        for archive in store_archives()
        for number, name in enumerate(NAMES)
        for path in (f"config/{name}", f"config/{name}.bak")
        if store_files(archive).get(path)
    ]


def read_table(data: bytes) -> None:
    """A table is read as at the broker's start, and what was read can be written and read again."""
    manager_class = TABLES[NAMES[data[0] % len(NAMES)]] if data else TABLES["topics.json"]
    files = MemoryFiles()
    files.folders.add(PLACE)
    files.data[f"{PLACE}/table.json"] = bytearray(data[1:])
    file = ConfigFile(f"{PLACE}/table.json", files)
    manager = manager_class(BrokerConfig(), DEFAULT_RELEASE, file, lambda: 0)
    assert manager.load()
    text = manager.snapshot()()
    files.data[f"{PLACE}/table.json"] = bytearray(text)
    again = manager_class(BrokerConfig(), DEFAULT_RELEASE, file, lambda: 0)
    assert again.load()
    assert again.snapshot()() == text


def read_kv_table(data: bytes) -> None:
    """The name server's KV table."""
    files = MemoryFiles()
    files.folders.add(PLACE)
    files.data[f"{PLACE}/kv.json"] = bytearray(data)
    KVConfigManager(f"{PLACE}/kv.json", files, DEFAULT_RELEASE).load()


@cache
def _scratch() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="rmqwire-fuzz-")
    _kept.append(folder)
    return Path(folder.name) / "broker.conf"


_kept: list[tempfile.TemporaryDirectory[str]] = []


def read_broker_conf(data: bytes) -> None:
    """broker.conf is read from a file, as Java's ``-c`` does."""
    path = _scratch()
    path.write_bytes(data)
    load_broker_config(str(path), machine=MACHINE)


def read_namesrv_conf(data: bytes) -> None:
    """namesrv.conf is read in Java's charset of properties."""
    load_namesrv_config(data.decode("iso-8859-1"), "/home/mq")
