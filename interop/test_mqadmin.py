"""mqadmin of the real release against rmqwire: every command prints a sane table."""

from __future__ import annotations

import re

import pytest

from interop.conftest import Rmqwire
from interop.peer import Peer
from interop.processes import wait_until

TOPIC = "admin_topic"
GROUP = "admin_group"


@pytest.fixture(scope="module")
def filled(rmqwire: Rmqwire, peers: dict[str, Peer]) -> list[dict[str, object]]:
    """Twenty messages in a topic of two queues, all consumed by one group; gives the SendResults."""
    peer, namesrv = peers["JSON"], rmqwire.namesrv.addr
    peer.mqadmin("updateTopic", "-n", namesrv, "-b", rmqwire.broker.addr, "-t", TOPIC, "-r2", "-w2")
    with peer.consume(namesrv, TOPIC, group=GROUP) as consumer:
        sent = peer.produce(namesrv, TOPIC, 20)
        assert len(consumer.take(20)) == 20
    return sent


def rows(text: str, first_word: str) -> list[list[str]]:
    found = [line.split() for line in text.splitlines() if line.split()[:1] == [first_word]]
    assert found, f"no line begins with {first_word}:\n{text}"
    return found


def test_cluster_list(rmqwire: Rmqwire, json_peer: Peer, version: str) -> None:
    (row,) = rows(json_peer.mqadmin("clusterList", "-n", rmqwire.namesrv.addr), "DefaultCluster")
    assert row[1:5] == ["rmqwire-a", "0", rmqwire.broker.addr, "V" + version.replace(".", "_")]


def test_topic_list(rmqwire: Rmqwire, json_peer: Peer, filled: object) -> None:
    text = json_peer.mqadmin("topicList", "-n", rmqwire.namesrv.addr)
    assert {TOPIC, "TBW102", "DefaultCluster", "rmqwire-a", f"%RETRY%{GROUP}"} <= set(text.split())


def test_topic_route(rmqwire: Rmqwire, json_peer: Peer, filled: object) -> None:
    text = json_peer.mqadmin("topicRoute", "-n", rmqwire.namesrv.addr, "-t", TOPIC)
    assert f'0:"{rmqwire.broker.addr}"' in text.replace('"0"', "0")
    assert re.search(r'"writeQueueNums":\s*2', text)


def test_route_of_a_missing_topic(rmqwire: Rmqwire, json_peer: Peer) -> None:
    text = json_peer.mqadmin("topicRoute", "-n", rmqwire.namesrv.addr, "-t", "no_such_topic")
    assert "CODE: 17  DESC: No topic route info in name server for the topic: no_such_topic" in text


def test_topic_status(rmqwire: Rmqwire, json_peer: Peer, filled: object) -> None:
    text = json_peer.mqadmin("topicStatus", "-n", rmqwire.namesrv.addr, "-t", TOPIC)
    table = rows(text, "rmqwire-a")
    assert [row[1] for row in table] == ["0", "1"]
    assert sum(int(row[3]) - int(row[2]) for row in table) == 20


def test_update_and_delete_topic(rmqwire: Rmqwire, json_peer: Peer) -> None:
    namesrv = rmqwire.namesrv.addr
    options = ["-n", namesrv, "-c", "DefaultCluster", "-t", "admin_short"]
    text = json_peer.mqadmin("updateTopic", *options, "-r", "3", "-w", "3")
    assert f"create topic to {rmqwire.broker.addr} success." in text
    assert "readQueueNums=3" in text
    wait_until(
        lambda: "admin_short" in json_peer.mqadmin("topicList", "-n", namesrv).split(),
        "the new topic at the name server",
        10,
    )
    text = json_peer.mqadmin("deleteTopic", *options)
    assert "delete topic [admin_short] from cluster [DefaultCluster] success." in text
    assert "delete topic [admin_short] from NameServer success." in text
    assert "admin_short" not in json_peer.mqadmin("topicList", "-n", namesrv).split()


def test_update_sub_group(rmqwire: Rmqwire, json_peer: Peer) -> None:
    words = ["updateSubGroup", "-n", rmqwire.namesrv.addr, "-b", rmqwire.broker.addr]
    text = json_peer.mqadmin(*words, "-g", "admin_sub", "-r", "3")
    assert f"create subscription group to {rmqwire.broker.addr} success." in text
    assert "retryMaxTimes=3" in text


def test_broker_status(rmqwire: Rmqwire, json_peer: Peer, version: str, filled: object) -> None:
    text = json_peer.mqadmin("brokerStatus", "-n", rmqwire.namesrv.addr, "-b", rmqwire.broker.addr)
    table = {k.strip(): v.strip() for k, _, v in (row.partition(":") for row in text.splitlines())}
    assert table["brokerVersionDesc"] == "V" + version.replace(".", "_")
    assert int(table["commitLogMaxOffset"]) > 0
    assert int(table["msgPutTotalTodayNow"]) >= 20


def test_consumer_progress(rmqwire: Rmqwire, json_peer: Peer, filled: object) -> None:
    namesrv = rmqwire.namesrv.addr

    def text() -> str:
        return json_peer.mqadmin("consumerProgress", "-n", namesrv, "-g", GROUP)

    wait_until(lambda: "Diff Total: 0" in text(), f"no lag of {GROUP}: {text()}", 20)
    table = rows(text(), TOPIC)
    assert {row[1] for row in table} == {"rmqwire-a"}
    assert sum(int(row[4]) for row in table) == 20


def test_consumer_progress_of_all_groups(rmqwire: Rmqwire, json_peer: Peer, filled: object) -> None:
    text = json_peer.mqadmin("consumerProgress", "-n", rmqwire.namesrv.addr)
    assert rows(text, GROUP)


def test_query_message_by_id(
    rmqwire: Rmqwire, json_peer: Peer, version: str, filled: list[dict[str, object]]
) -> None:
    topic = ["-t", TOPIC] if version == "5.5.0" else []  # 4.9.7 asks by the id alone
    words = ["queryMsgById", "-n", rmqwire.namesrv.addr, *topic]
    text = json_peer.mqadmin(*words, "-i", str(filled[3]["offsetMsgId"]))
    found = dict(re.findall(r"^([A-Z][A-Za-z ]+):\s+(.*)$", text, re.MULTILINE))
    assert found["Topic"] == TOPIC, text
    assert found["Keys"] == f"[{filled[3]['keys']}]"
    assert found["Queue Offset"] == str(filled[3]["queueOffset"])
    assert str(filled[3]["msgId"]) in found["Properties"]


def test_query_message_by_key(
    rmqwire: Rmqwire, json_peer: Peer, filled: list[dict[str, object]]
) -> None:
    message = filled[7]
    words = ["queryMsgByKey", "-n", rmqwire.namesrv.addr, "-t", TOPIC]
    text = json_peer.mqadmin(*words, "-k", str(message["keys"]))
    (row,) = rows(text, str(message["msgId"]))
    assert row[1:3] == [str(message["queueId"]), str(message["queueOffset"])], text
    text = json_peer.mqadmin(*words, "-k", "no_such_key")
    assert "CODE: 208" in text or "query message by key finished, but no message" in text, text


def test_query_message_by_unique_key(
    rmqwire: Rmqwire, json_peer: Peer, filled: list[dict[str, object]]
) -> None:
    message = filled[11]
    words = ["queryMsgByUniqueKey", "-n", rmqwire.namesrv.addr, "-t", TOPIC]
    text = json_peer.mqadmin(*words, "-i", str(message["msgId"]))
    found = dict(re.findall(r"^([A-Z][A-Za-z ]+):\s+(.*)$", text, re.MULTILINE))
    assert found["Topic"] == TOPIC, text
    assert found["Keys"] == f"[{message['keys']}]"
    assert found["Queue ID"] == str(message["queueId"])
    assert found["Queue Offset"] == str(message["queueOffset"])


def test_query_message_by_offset(
    rmqwire: Rmqwire, json_peer: Peer, filled: list[dict[str, object]]
) -> None:
    message = filled[5]
    words = ["queryMsgByOffset", "-n", rmqwire.namesrv.addr, "-t", TOPIC, "-b", "rmqwire-a"]
    text = json_peer.mqadmin(
        *words, "-i", str(message["queueId"]), "-o", str(message["queueOffset"])
    )
    assert re.search(rf"^OffsetID:\s+{message['offsetMsgId']}$", text, re.MULTILINE), text
    assert f"[{message['keys']}]" in text


@pytest.mark.optin  # the client rests for ten seconds before it goes on
def test_a_client_that_is_there_goes_back_to_its_new_offsets(
    rmqwire: Rmqwire, json_peer: Peer, filled: object
) -> None:
    namesrv = rmqwire.namesrv.addr
    with json_peer.consume(namesrv, TOPIC, group="admin_again") as consumer:
        assert len(consumer.take(20)) == 20
        words = ("-n", namesrv, "-g", "admin_again", "-t", TOPIC, "-s", "1577836800000")
        wait_until(
            lambda: rows(json_peer.mqadmin("resetOffsetByTime", *words), "rmqwire-a"), "offsets", 20
        )
        assert len(consumer.take(20)) == 20
