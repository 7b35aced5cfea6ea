"""Which verbs are called beside mqadmin's, with what words, and what of their texts is compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

V5 = "5.5.0"


def lines(text: str) -> list[str]:
    """All of it, but blanks at the ends of lines and empty lines at the end: mqadmin forgets some."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def as_set(text: str) -> list[str]:
    """The lines in any order: Java prints in that of its hash tables."""
    return sorted(filter(None, lines(text)))


def names(text: str) -> list[str]:
    """What stands before the value in each line of figures or settings, in any order."""
    return sorted(
        re.split(r" *[:=] {1,2}", line)[0] for line in lines(text) if re.search(r"[:=] ", line)
    )


def numbers_aside(text: str) -> list[str]:
    """The lines with each number as N and runs of blanks as one: rates and times change."""
    return [re.sub(r" +", " ", re.sub(r"\d[\d.]*", "N", line)) for line in lines(text)]


def without_rate(text: str) -> list[str]:
    """topicStatus without the rate, which mqadmin forgets to add up."""
    return [line for line in lines(text) if line and not line.startswith("Topic Put TPS")]


def without_consume_rate(text: str) -> list[str]:
    """consumerProgress without the rate, which changes."""
    return [line for line in lines(text) if not line.startswith("Consume TPS")]


def groups_of_ours(text: str) -> list[str]:
    """The groups in any order, their rates aside."""
    return sorted(numbers_aside(text))


def ids_aside(text: str) -> list[str]:
    """Results of sends without their ids and offsets."""
    return numbers_aside(re.sub(r"\b[0-9A-F]{32,}\b", "ID", text))


def messages(text: str) -> list[str]:
    """Messages in any order, and properties too: Java's hash tables differ from release to release."""
    return sorted(
        re.sub(r"\{[^{}]*=[^{}]*\}", lambda found: str(sorted(found[0][1:-1].split(", "))), line)
        for line in filter(None, lines(text))
    )


def three_columns(text: str) -> list[list[str]]:
    """The first columns of a table, in any order: 5.5 has more."""
    return sorted(line.split()[:3] for line in lines(text))


def words_of_first(text: str) -> list[str]:
    """The first line of a report: what comes after it is told by rmqwire's release alone."""
    return lines(text)[:1]


def names_in(value: object, start: str = "") -> list[str]:
    """The path of each leaf of a JSON value, those of lists aside."""
    if not isinstance(value, dict):
        return [start]
    return sorted(name for key, one in value.items() for name in names_in(one, f"{start}/{key}"))


@dataclass(frozen=True)
class Row:
    """One call, made of mqadmin and then of rmqwire.

    Args:
        words: with {topic}, {group}, {addr}, {name}, {folder}, {msg_id} and {record_id} filled in; -n is added.
        compared: what of a text must be equal.
        only: the release whose mqadmin has the verb, or these columns; None: both.
        more: words that only rmqwire needs.
        always: called in the default run of 5.5.0 too, whose mqadmin takes 3 s for each call.
        file: what is written into {folder}: its fields are compared, down to the leaves' names.
    """

    words: str
    compared: Callable[[str], object] = lines
    only: str | None = None
    more: str = ""
    file: str | None = None
    always: bool = False


# They are called in this order, on one cluster: reading, changing, removing. A 4.9.7 broker skips nothing
# of a topic with a queue of which the group has no offset, such as updateTopic adds.
ROWS = (
    Row("clusterList", numbers_aside, V5, always=True),
    Row("clusterList -m", numbers_aside),
    Row("topicList", as_set),
    Row("topicList -c", as_set),
    Row("topicRoute -t {topic}", only=V5, always=True),
    Row("topicRoute -t {topic} -l", only=V5),
    Row("topicStatus -t {topic}", without_rate, always=True),
    Row("topicClusterList -t {topic}"),
    Row("allocateMQ -t {topic} -i a,b,c", numbers_aside),  # Java deals a set out
    Row("brokerStatus -b {addr}", names),
    Row("brokerStatus -c DefaultCluster", names),
    Row("getBrokerConfig -b {addr}", as_set),
    Row("getBrokerConfig -c DefaultCluster", as_set),
    Row("brokerConsumeStats -b {addr}", numbers_aside),
    Row("statsAll", numbers_aside, always=True),
    Row("queryMsgById -t {topic} -i {record_id}", messages, V5),
    Row("queryMsgById -t {topic} -i {msg_id} -f utf-8", messages, V5),
    Row("queryMsgById -i {record_id}", messages, "4.9.7", more="-t {topic}"),
    Row("queryMsgByKey -t {topic} -k wanted", as_set, V5),
    Row("queryMsgByKey -t {topic} -k wanted", three_columns, "4.9.7"),
    Row("queryMsgByUniqueKey -t {topic} -i {msg_id}", messages, always=True),
    Row("queryMsgByUniqueKey -t {topic} -i {msg_id} -a", messages),
    Row("queryMsgByOffset -t {topic} -b {name} -i 0 -o 0", messages),
    Row("printMsg -t {topic}", messages),
    Row("printMsg -t {topic} -d false -s TagA", messages),
    Row("printMsg -t {topic} -s TagB", messages),
    Row("printMsgByQueue -t {topic} -a {name} -i 0 -p true -d true -f true", messages),
    Row("consumeMessage -t {topic} -b {name} -i 0", messages),
    Row("consumeMessage -t {topic} -b {name} -i 0 -o 1", messages),
    Row("queryCq -t {topic} -q 0 -i 0 -c 4 -b {addr}"),
    Row("queryCq -t {topic} -q 1 -i 1 -g {group}"),
    Row("consumerProgress", groups_of_ours),
    Row("consumerProgress -g {group}", without_consume_rate, V5, always=True),
    Row("consumerProgress -g {group} -t {topic}", without_consume_rate, V5),
    Row("consumerProgress -g {group} -s true", without_consume_rate, V5),
    Row("getConsumerConfig -g {group}", only=V5),
    Row("exportConfigs -c DefaultCluster -f {folder}", file="configs.json"),
    Row("exportMetadata -c DefaultCluster -f {folder}", only=V5, file="metadata.json", always=True),
    Row("exportMetadata -c DefaultCluster -f {folder}", only="4.9.7"),  # it knows fewer fields
    Row("exportMetrics -c DefaultCluster -f {folder}", file="metrics.json"),
    Row("getNamesrvConfig", as_set),
    Row("sendMessage -t {topic} -p tea -b {name} -i 0", ids_aside),
    Row("checkMsgSendRT -t {topic} -a 3", numbers_aside),
    Row("sendMsgStatus -b {name} -s 10 -c 2", ids_aside, V5),
    Row("skipAccumulatedMessage -g {group} -t {topic}", numbers_aside, more="--yes", always=True),
    Row("updateTopic -b {addr} -t {topic} -r 3 -w 3", only=V5, always=True),
    Row("updateTopic -b {addr} -t {topic} -r 3 -w 3", words_of_first, "4.9.7", always=True),
    Row("updateTopic -c DefaultCluster -t {topic} -o true -w 3", only=V5),
    Row("updateSubGroup -b {addr} -g {group} -r 3", only=V5, always=True),
    Row("updateSubGroup -b {addr} -g {group} -r 3", words_of_first, "4.9.7"),
    Row(
        "updateSubGroup -c DefaultCluster -g {group} -d true --attributes +priority.factor=50",
        only=V5,
    ),
    Row("updateSubGroupList -c DefaultCluster -f {folder}/groups.json", words_of_first, V5),
    Row("setConsumeMode -b {addr} -t {topic} -g {group} -m POP -q 1", only=V5),
    Row("setConsumeMode -c DefaultCluster -t {topic} -g {group} -m PULL", only=V5),
    Row("resetOffsetByTime -g {group} -t {topic} -s 0", as_set, V5, "--yes"),
    Row("resetOffsetByTime -g {group} -t {topic} -s -1", as_set, V5, "--yes"),
    Row("resetOffsetByTime -g {group} -t {topic} -s 0 -b {addr} -q 0 -o 1", lines, V5, "--yes"),
    Row("cloneGroupOffset -s {group} -d {group} -t {topic}", more="--yes"),
    Row("updateOrderConf -t {topic} -m put -v {name}:4"),
    Row("updateOrderConf -t {topic} -m get"),
    Row("updateOrderConf -t {topic} -m delete", more="--yes"),
    Row("updateBrokerConfig -b {addr} -k flushIntervalCommitLog -v 450", always=True),
    Row("updateBrokerConfig -c DefaultCluster -k flushIntervalCommitLog -v 500"),
    Row("updateNamesrvConfig -k orderMessageEnable -v true"),
    Row("updateKvConfig -s SPACE -k key -v value"),
    Row("deleteKvConfig -s SPACE -k key", more="--yes"),
    Row("wipeWritePerm -b {name}", always=True),
    Row("addWritePerm -b {name}", always=True),
    Row("updateColdDataFlowCtrGroupConfig -b {addr} -g {group} -v 1024", only=V5),
    Row("updateColdDataFlowCtrGroupConfig -c DefaultCluster -g other -v 7", only=V5),
    Row("getColdDataFlowCtrInfo -b {addr}", only=V5),
    Row("getColdDataFlowCtrInfo -c DefaultCluster", only=V5),
    Row("removeColdDataFlowCtrGroupConfig -b {addr} -g {group}", only=V5),
    Row("removeColdDataFlowCtrGroupConfig -c DefaultCluster -g other", only=V5),
    Row("setCommitLogReadAheadMode -b {addr} -m 1", only=V5),
    Row("setCommitLogReadAheadMode -c DefaultCluster -m 0", only=V5),
    Row("cleanExpiredCQ -b {addr}"),
    Row("cleanUnusedTopic -b {addr}", more="--yes"),
    Row("deleteExpiredCommitLog -b {addr}", more="--yes"),
    Row("resetMasterFlushOffset -b {addr} -o 0", only=V5),
    Row("deleteSubGroup -b {addr} -g {group}", more="--yes", always=True),
    Row("deleteSubGroup -c DefaultCluster -g {group} -r true", words_of_first, more="--yes"),
    Row("deleteTopic -c DefaultCluster -t {topic}", more="--yes", always=True),
)
