"""``rmqwire admin``: mqadmin's verbs with mqadmin's options, a module per subject."""

import re

import click

from rmqwire.cli.group import LazyGroup

# module here -> its verbs, in mqadmin's spelling
SUBJECTS = {
    "topic": "topicList topicRoute topicStatus topicClusterList allocateMQ",
    "topic_change": "updateTopic updateTopicPerm updateTopicList updateOrderConf deleteTopic",
    "namesrv": (
        "getNamesrvConfig updateNamesrvConfig updateKvConfig deleteKvConfig wipeWritePerm addWritePerm"
    ),
    "cluster": "clusterList",
    "broker": "brokerStatus health",
    "stats": "statsAll",
    "export": "exportConfigs exportMetadata exportMetrics exportPopRecord",
    "sending": "clusterRT sendMsgStatus",
    "broker_config": "getBrokerConfig updateBrokerConfig",
    "broker_store": (
        "brokerConsumeStats cleanExpiredCQ cleanUnusedTopic deleteExpiredCommitLog"
        " resetMasterFlushOffset switchTimerEngine"
    ),
    "ha": "haStatus",
    "drain": "drainBroker purgeTopic",
    "dead_letter": "resendDLQ",
    "message": "queryMsgById queryMsgByKey queryMsgByUniqueKey queryMsgByOffset decodeMessageId",
    "message_print": "printMsg printMsgByQueue consumeMessage queryMsgTraceById",
    "consumer": "updateSubGroup updateSubGroupList deleteSubGroup getConsumerConfig setConsumeMode",
    "progress": "consumerProgress",
    "consumer_status": "consumerStatus",
    "connection": "consumerConnection producerConnection producer",
    "offset": (
        "resetOffsetByTime resetOffsetByTimeOld skipAccumulatedMessage cloneGroupOffset"
        " getConsumerStatus"
    ),
    "queue": "queryCq checkRocksdbCqWriteProgress",
    "acl": (
        "updateAclConfig deleteAclConfig updateGlobalWhiteAddr getAclConfig clusterAclConfigVersion"
    ),
    "auth": (
        "createUser updateUser deleteUser getUser listUser copyUser"
        " createAcl updateAcl deleteAcl getAcl listAcl copyAcl"
    ),
}


def attribute_of(verb: str) -> str:
    """Return the name of a verb's function: ``topicList`` is ``topic_list``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", verb).lower()


VERBS = {
    verb: f"rmqwire.cli.admin.{module}:{attribute_of(verb)}"
    for module, verbs in SUBJECTS.items()
    for verb in verbs.split()
}


@click.group("admin", cls=LazyGroup, lazy=VERBS)
def admin_group() -> None:
    """Ask and change a running cluster, Java's or ours, as mqadmin does."""
