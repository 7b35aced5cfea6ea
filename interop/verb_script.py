"""mqadmin's verbs, run one after the other on the same data: topics, groups, messages, clients.

Each is named by its words; a value that another run has not (an address, a message's id) has a name in
capitals, in the words and in what was printed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from interop.cluster import BROKER_DEFAULTS
from interop.peer import Peer
from interop.processes import wait_until
from interop.verb_masks import ONCE, UNORDERED, masked
from interop.wire import route_known

BROKER_NAME = "verbs-a"
ACCOUNTS = """\
globalWhiteRemoteAddresses:
- 127.0.0.1
accounts:
- accessKey: the-admin
  secretKey: 12345678
  admin: true
"""
SETTINGS = BROKER_DEFAULTS | {
    "transactionMetricFlushInterval": "10000",  # these are printed as they were when it was recorded
    "timerFlushIntervalMs": "1000",
    "cleanFileForciblyEnable": "true",
    "brokerName": BROKER_NAME,
    "traceTopicEnable": "true",
    "waitTimeMillsInSendQueue": "200",
}
ACL_SETTINGS = {"aclEnable": "true"}  # of a 4.9.7: everybody on this machine may do everything


@dataclass
class Script:
    """The verbs at one cluster; ``said`` has what each printed.

    Args:
        peer: runs Java's mqadmin.
        home: a folder for what verbs write.
    """

    peer: Peer
    namesrv: str
    broker: str
    home: Path
    said: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names |= {"NAMESRV": self.namesrv, "BROKER": self.broker, "HOME": str(self.home)}

    @property
    def five(self) -> bool:
        """Whether this is mqadmin of 5.x."""
        return self.peer.version.startswith("5")

    def __call__(self, words: str, awhile: float = 0) -> str:
        """Run the verb and keep what it said; one without an end is ended after ``awhile`` s."""
        assert words not in self.said, f"run before: {words}"
        verb, *options = words.split()
        real = [verb, "-n", self.namesrv, *(self.names.get(word, word) for word in options)]
        run = self.peer.mqadmin
        text = self.peer.mqadmin_awhile(awhile, *real) if awhile else run(*real)
        self.keep(words, text)
        return text

    def ask(self, words: str) -> None:
        """Make a call that no verb makes, and keep its answer."""
        method, *options = words.split()
        real = (self.names.get(word, word) for word in options)
        self.keep(f"ask {words}", self.peer.ask(self.namesrv, method, *real))

    def until(self, pattern: str, words: str) -> str:
        """Run the verb until what it says has ``pattern`` in it; keep that."""

        def says() -> bool:
            self.said.pop(words, None)
            return re.search(pattern, self(words)) is not None

        wait_until(says, f"{pattern} in {words}", 20)
        return "\n".join(self.said[words])

    def keep(self, words: str, text: str) -> None:
        lines = masked(text, {value: name for name, value in self.names.items()})
        verb = words.split(maxsplit=1)[0]
        if verb in UNORDERED:
            lines = sorted(set(lines) if verb in ONCE else lines)
        self.said[words] = lines

    def keep_json(self, words: str, file: str) -> None:
        """Keep what an exporting verb wrote."""
        written = json.loads((self.home / file).read_text("utf-8"))
        self.keep(words, json.dumps(written, indent=1, sort_keys=True))

    def run(self) -> dict[str, list[str]]:
        """Run all of it and return what each verb said."""
        topics(self)
        groups(self)
        messages(self)
        queries(self)
        living(self)
        offsets(self)
        calls(self)
        configurations(self)
        sending(self)
        exports(self)
        if not self.five:
            accounts(self)
        cleaning(self)
        return self.said


def topics(run: Script) -> None:
    run("updateTopic -b BROKER -t plain -r 2 -w 2")
    run("updateTopic -c DefaultCluster -t second -r 1 -w 1")
    run("updateTopic -b BROKER -t ordered -r 2 -w 2 -o true")
    run("updateTopic -b BROKER -t short -r 1 -w 1")
    run("updateTopic -b BROKER -t bad*name -r 1 -w 1")
    for topic in ("plain", "second", "ordered", "short"):
        wait_until(lambda topic=topic: route_known(run.namesrv, topic), f"route of {topic}", 15)
    run("updateTopicPerm -b BROKER -t second -p 4")
    run("updateTopicPerm -c DefaultCluster -t second -p 6")
    run("updateTopicPerm -b BROKER -t nowhere -p 6")
    if run.five:
        batch = [{"topicName": f"listed{n}", "readQueueNums": 1, "writeQueueNums": 1} for n in "12"]
        (run.home / "topics.json").write_text(json.dumps(batch))
        run.names["TOPICS_FILE"] = str(run.home / "topics.json")
        run("updateTopicList -b BROKER -f TOPICS_FILE")
        run("updateTopicList -b BROKER -f nowhere")
    run("topicRoute -t plain")
    run("topicRoute -t plain -l")
    run("topicRoute -t nowhere")
    run("topicClusterList -t plain")
    run("topicList")
    run("allocateMQ -t plain -i 10.0.0.1,10.0.0.2")
    run("updateOrderConf -t plain -m put -v verbs-a:2")
    run("updateOrderConf -t plain -m get")
    run("updateOrderConf -t plain -m delete")
    run("updateOrderConf -t nowhere -m get")
    run.until(r"V[45]_", "clusterList")  # Java's broker that has just started tells nothing
    run("clusterList -m")


def groups(run: Script) -> None:
    run("updateSubGroup -b BROKER -g tuned -r 3 -q 2 -s true -m false -d false -i 0 -w 1 -a true")
    run("updateSubGroup -c DefaultCluster -g gone")
    if run.five:
        batch = [{"groupName": f"listed{n}", "retryMaxTimes": 5} for n in "12"]
        (run.home / "groups.json").write_text(json.dumps(batch))
        run.names["GROUPS_FILE"] = str(run.home / "groups.json")
        run("updateSubGroupList -b BROKER -f GROUPS_FILE")
    run("getConsumerConfig -g tuned")
    run("getConsumerConfig -g nowhere")
    run("deleteSubGroup -b BROKER -g gone -r true")
    run("deleteSubGroup -c DefaultCluster -g nowhere -r true")


def messages(run: Script) -> None:
    """Ten messages in one queue and six in the other, and the ids of one of them."""
    sent = run.peer.produce(run.namesrv, "plain", 10, queue=0, seed=1)
    run.peer.produce(run.namesrv, "plain", 6, queue=1, seed=2)
    run.names |= {"MESSAGE_ID": sent[3]["msgId"], "OFFSET_ID": sent[3]["offsetMsgId"]}


def queries(run: Script) -> None:
    topic = "-t plain " if run.five else ""
    run("topicStatus -t plain")
    run("topicStatus -t nowhere")
    run(f"queryMsgById {topic}-i OFFSET_ID")
    run("queryMsgByKey -t plain -k key-1-3")
    run("queryMsgByKey -t plain -k nowhere")
    run("queryMsgByUniqueKey -t plain -i MESSAGE_ID")
    run("queryMsgByOffset -t plain -b verbs-a -i 0 -o 3")
    run("queryMsgByOffset -t plain -b verbs-a -i 0 -o 99")
    run("queryCq -t plain -q 0 -i 2 -c 3 -b BROKER")
    run("queryCq -t nowhere -q 0 -i 0 -c 3 -b BROKER")
    run("printMsg -t plain -d true")
    run("printMsg -t plain -s TagB -d false")
    run("printMsgByQueue -t plain -a verbs-a -i 1 -p true -d true -f true")
    run("consumeMessage -t plain -b verbs-a -i 0 -o 4 -c 2")
    run("brokerStatus -b BROKER")
    run("brokerStatus -c DefaultCluster")


def living(run: Script) -> None:
    """What can be asked of clients that are there."""
    topic = "-t plain " if run.five else ""
    with run.peer.consume(run.namesrv, "plain", group="readers") as consumer:
        assert len(consumer.take(16)) == 16  # its offsets are kept when it ends
    with run.peer.consume(run.namesrv, "plain", "TagA || TagB", group="readers"):
        run.until(r"plain +verbs-a +1 +6 +6 +\d", "consumerProgress -g readers -s true")
        found = re.search(r"\S+@consumer-\w+", run("consumerConnection -g readers"))
        assert found
        run.names["CLIENT"] = found[0]
        run("consumerConnection -g nowhere")
        run("consumerStatus -g readers")
        run.until(r"%RETRY%readers +verbs-a +0 +0", "consumerStatus -g readers -i CLIENT")
        run.until("@", "producerConnection -g interop_producer -t plain")
        run("producerConnection -g nowhere -t plain")
        run("producer -b BROKER")
        run(f"queryMsgById {topic}-i OFFSET_ID -g readers -d CLIENT")
        run("queryMsgByUniqueKey -t plain -i MESSAGE_ID -g readers -d CLIENT")
        run("statsAll -t plain")
        run.ask("invokeBrokerToGetConsumerStatus BROKER plain readers CLIENT")


def offsets(run: Script) -> None:
    run.peer.produce(run.namesrv, "plain", 3, queue=0, seed=3)
    run("consumerProgress")
    run("consumerProgress -g nowhere")
    run("brokerConsumeStats -b BROKER")
    run("brokerConsumeStats -b BROKER -l 1")
    run("topicList -c")
    run("cloneGroupOffset -s readers -d tuned -t plain -o false")
    run("consumerProgress -g tuned")
    run("skipAccumulatedMessage -g tuned -t plain")
    run("resetOffsetByTime -g tuned -t plain -s 1577836800000")
    run("resetOffsetByTime -g nowhere -t plain -s now")
    if run.five:
        run("setConsumeMode -b BROKER -t second -g tuned -m POP -q 0")
        run("exportPopRecord -b BROKER -d true")


def calls(run: Script) -> None:
    """What administrators' programs can ask and mqadmin doesn't."""
    run.ask("getEarliestMsgStoretime BROKER plain@verbs-a@0")
    run.ask("getMaxOffset BROKER plain@verbs-a@0")
    run.ask("getMinOffset BROKER plain@verbs-a@1")
    run.ask("queryConsumeTimeSpan BROKER plain readers")
    run.ask("queryCorrectionOffset BROKER plain readers -")
    run.ask("queryTopicConsumeByWho BROKER plain")
    run.ask("viewBrokerStatsData BROKER TOPIC_PUT_NUMS plain")
    run.ask("viewBrokerStatsData BROKER TOPIC_PUT_NUMS nowhere")
    if not run.five:
        run.ask("cloneGroupOffset BROKER readers tuned plain false")
    run.ask("getSystemTopicListFromBroker BROKER")
    run.ask("getSystemTopicList")
    run.ask("getTopicsByCluster DefaultCluster")
    run.ask("getUnitTopicList false")
    run.ask("getHasUnitSubTopicList false")
    run.ask("getHasUnitSubUnUnitTopicList false")
    run("updateKvConfig -s SPACE -k key -v value")
    run.ask("getKVListByNamespace SPACE")
    half = run.peer.produce(run.namesrv, "plain", 1, mode="half", seed=4)
    run.names["HALF_ID"] = str(half[0]["offsetMsgId"])
    topic = "plain " if run.five else ""
    run.ask(f"resumeCheckHalfMessage BROKER {topic}HALF_ID")
    run("printMsg -t OFFSET_MOVED_EVENT -d true")


def configurations(run: Script) -> None:
    run("deleteKvConfig -s SPACE -k key")
    run("deleteKvConfig -s SPACE -k nowhere")
    run("updateBrokerConfig -b BROKER -k flushIntervalCommitLog -v 400")
    run("updateBrokerConfig -c DefaultCluster -k flushIntervalCommitLog -v 500")
    run("getBrokerConfig -b BROKER")
    run("getBrokerConfig -c DefaultCluster")
    run("updateNamesrvConfig -k orderMessageEnable -v false")
    run("getNamesrvConfig")
    run("wipeWritePerm -b verbs-a")
    run("addWritePerm -b verbs-a")
    run("wipeWritePerm -b nowhere")
    if run.five:
        run("haStatus -b BROKER")
        run("getBrokerEpoch -b verbs-a")
        run("resetMasterFlushOffset -b BROKER -o 0")
        run("switchTimerEngine -b BROKER -e F")
        cold_data(run)


def cold_data(run: Script) -> None:
    run("updateColdDataFlowCtrGroupConfig -b BROKER -g readers -v 1024")
    run("updateColdDataFlowCtrGroupConfig -c DefaultCluster -g tuned -v 7")
    run("getColdDataFlowCtrInfo -b BROKER")
    run("removeColdDataFlowCtrGroupConfig -b BROKER -g tuned")
    run("removeColdDataFlowCtrGroupConfig -c DefaultCluster -g nowhere")
    run("getColdDataFlowCtrInfo -c DefaultCluster")
    run("setCommitLogReadAheadMode -b BROKER -m 1")
    run("setCommitLogReadAheadMode -c DefaultCluster -m 0")
    run("setCommitLogReadAheadMode -b BROKER -m 7")


def sending(run: Script) -> None:
    run("sendMessage -t second -p said -k key -c Tag")
    run("sendMessage -t second -p said -b verbs-a -i 0")
    run("checkMsgSendRT -t second -a 3 -s 16")
    run("sendMsgStatus -b verbs-a -s 16 -c 2")
    run("clusterRT -a 2 -s 16 -i 60 -c DefaultCluster", awhile=1.5)
    found = re.search(r"[0-9A-F]{32,}", run("sendMessage -t second -p traced -m true"))
    assert found
    run.names["TRACED"] = found[0]
    run.until("Pub", "queryMsgTraceById -i TRACED")


def exports(run: Script) -> None:
    run("exportConfigs -c DefaultCluster -f HOME")
    run.keep_json("configs.json", "configs.json")
    run("exportMetadata -c DefaultCluster -f HOME")
    run.keep_json("metadata.json", "metadata.json")
    run("exportMetadata -b BROKER -t -f HOME")
    run.keep_json("topic.json", "topic.json")
    run("exportMetadata -b BROKER -g -f HOME")
    run.keep_json("subscriptionGroup.json", "subscriptionGroup.json")
    run("exportMetrics -c DefaultCluster -f HOME")
    run.keep_json("metrics.json", "metrics.json")


def accounts(run: Script) -> None:
    run(
        "updateAclConfig -b BROKER -a the-user -s 12345678 -i DENY -u SUB -t plain=PUB|SUB -m false"
    )
    run("updateAclConfig -b BROKER -a short -s 1")
    run("updateGlobalWhiteAddr -b BROKER -g 127.0.0.1,10.0.0.*")
    run("getAclConfig -b BROKER")
    run("clusterAclConfigVersion -b BROKER")
    run("clusterAclConfigVersion -c DefaultCluster")
    run("deleteAclConfig -b BROKER -a the-user")
    run("deleteAclConfig -b BROKER -a nobody")


def cleaning(run: Script) -> None:
    run("cleanExpiredCQ -b BROKER")
    run("cleanUnusedTopic -b BROKER")
    run("deleteExpiredCommitLog -b BROKER")
    run("deleteTopic -c DefaultCluster -t short")
    run("deleteTopic -c nowhere -t short")
    run("topicList -n NAMESRV")
