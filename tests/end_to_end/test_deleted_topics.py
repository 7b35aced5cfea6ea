"""A topic that was deleted stays deleted, whatever is built from the log again."""

from __future__ import annotations

import shutil

import pytest

from rmqwire.broker.peers.slave_sync import SlaveSynchronize
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import DeleteTopicRequestHeader
from rmqwire.codec.record import iter_messages
from rmqwire.inspector.verify import verify_store
from rmqwire.store.replica.replica_log import ReplicaLog
from tests.broker.test_broker import send_command
from tests.support.broker import MemoryBroker


def send(broker, *bodies, topic="T"):
    client = broker.connect()
    for body in bodies:
        assert client.call(send_command(topic, body)).code == 0


def delete(broker, topic="T"):
    header = DeleteTopicRequestHeader(topic=topic)
    request = RemotingCommand.request(RequestCode.DELETE_TOPIC_IN_BROKER, header)
    assert broker.connect().call(request).code == 0


def pull(broker, topic="T"):
    """Return (bodies, maxOffset) of the topic's queue."""
    store = broker.state.store
    result = store.get_message(topic, 0, store.min_offset(topic, 0), 32)
    return [one.body for one in iter_messages(result.body)], store.max_offset(topic, 0)


def again(broker, folder, *, killed):
    """Return the broker after a stop, or after one that left ``abort`` behind."""
    broker.close()
    if killed:
        (folder / "abort").touch()
    return MemoryBroker(folder)


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("queues_too", [True, False])
def test_messages_of_a_deleted_topic_do_not_come_back(tmp_path, killed, queues_too):
    broker = MemoryBroker(tmp_path)
    send(broker, b"old0", b"old1", b"old2", b"old3", b"old4")
    delete(broker)
    send(broker, b"new0", b"new1", b"new2")
    for _ in range(2):
        broker = again(broker, tmp_path, killed=killed)
        assert pull(broker) == ([b"new0", b"new1", b"new2"], 3)
        if queues_too:  # all of them are built from the log again
            broker.close()
            shutil.rmtree(tmp_path / "consumequeue")
            broker = MemoryBroker(tmp_path)
            assert pull(broker) == ([b"new0", b"new1", b"new2"], 3)
    broker.close()
    assert verify_store(tmp_path).problems == []


def test_a_kill_right_behind_the_deletion_brings_nothing_back(tmp_path):
    broker = MemoryBroker(tmp_path)
    send(broker, b"old0", b"old1")
    send(broker, b"kept", topic="U")
    delete(broker)
    broker = again(broker, tmp_path, killed=True)
    assert broker.state.store.topics() == ["U"]
    send(broker, b"new0")
    assert pull(broker) == ([b"new0"], 1)
    assert pull(broker, "U") == ([b"kept"], 1)
    broker.close()


def test_a_folder_that_java_served_before_keeps_the_topic_made_again(tmp_path):
    """Java notes no deletion: the log itself shows that the topic begins again."""
    broker = MemoryBroker(tmp_path)
    send(broker, b"old0", b"old1", b"old2", b"old3", b"old4")
    delete(broker)
    send(broker, b"new0", b"new1", b"new2")
    broker.close()
    (tmp_path / "config/rmqwireDeletedTopics.json").unlink()
    (tmp_path / "abort").touch()
    broker = MemoryBroker(tmp_path)
    assert pull(broker) == ([b"new0", b"new1", b"new2"], 3)
    broker.close()


class Direct:
    """A connection of a slave to its master without sockets."""

    def __init__(self, master):
        self.client = master.connect()

    async def invoke(self, _addr, command, _timeout_ms):
        return self.client.call(command)


def replicate(master, slave):
    """Give the slave what its log lacks."""
    log = ReplicaLog(slave.state.store)
    end = master.state.store.max_phy_offset
    log.append(master.state.store.log.queue.read(log.received, end - log.received))


async def test_a_slave_deletes_what_its_master_deleted(tmp_path):
    master = MemoryBroker(tmp_path / "master")
    slave = MemoryBroker(tmp_path / "slave", broker_role="SLAVE", broker_id=1)

    async def log_reaches(end):
        return slave.state.store.max_phy_offset >= end

    sync = SlaveSynchronize(Direct(master), slave.state, lambda: None, log_reaches)
    sync.follow("10.0.0.1:10911")
    send(master, b"old0", b"old1", b"old2")
    replicate(master, slave)
    assert await sync.sync_all()
    assert pull(slave) == ([b"old0", b"old1", b"old2"], 3)
    delete(master)
    assert await sync.sync_all()
    assert slave.state.store.topics() == []
    send(master, b"new0")
    replicate(master, slave)
    assert await sync.sync_all()
    assert pull(slave) == ([b"new0"], 1)
    slave.close()
    (tmp_path / "slave/abort").touch()
    promoted = MemoryBroker(tmp_path / "slave")
    send(promoted, b"new1")
    assert pull(promoted) == ([b"new0", b"new1"], 2)
    promoted.close()
    master.close()


FOREIGN = [".DS_Store", "lost+found/", "Thumbs.db", "notes/x"]
FOLDERS = [
    "commitlog",
    "consumequeue",
    "consumequeue/T",
    "consumequeue/T/0",
    "index",
    "config",
    ".",
]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_no_part_of_a_store_may_lie_in_its_folders(tmp_path, folder, name):
    broker = MemoryBroker(tmp_path)
    send(broker, b"a", b"b")
    place = tmp_path / folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir() if name.endswith("/") else place.touch()
    broker = again(broker, tmp_path, killed=True)
    assert pull(broker) == ([b"a", b"b"], 2)
    delete(broker)
    assert broker.state.store.topics() == []
    send(broker, b"c")
    broker = again(broker, tmp_path, killed=False)
    assert pull(broker) == ([b"c"], 1)
    broker.close()
    assert place.exists()
    assert verify_store(tmp_path).problems == []
