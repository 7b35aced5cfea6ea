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
    "cold_data": (
        "getColdDataFlowCtrInfo updateColdDataFlowCtrGroupConfig removeColdDataFlowCtrGroupConfig"
        " setCommitLogReadAheadMode"
    ),
    "ha": "haStatus",
    "controller": (
        "getSyncStateSet getBrokerEpoch electMaster cleanBrokerMetadata getControllerMetaData"
        " getControllerConfig updateControllerConfig"
    ),
    "drain": "drainBroker purgeTopic",
    "dead_letter": "resendDLQ",
    "message_send": "sendMessage checkMsgSendRT",
    "message": "queryMsgById queryMsgByKey queryMsgByUniqueKey queryMsgByOffset decodeMessageId",
    "message_print": "printMsg printMsgByQueue consumeMessage queryMsgTraceById",
    "consumer": "updateSubGroup updateSubGroupList deleteSubGroup getConsumerConfig setConsumeMode",
    "progress": "consumerProgress",
    "consumer_status": "consumerStatus",
    "monitor": "startMonitoring",
    "connection": "consumerConnection producerConnection producer",
    "offset": (
        "resetOffsetByTime resetOffsetByTimeOld skipAccumulatedMessage cloneGroupOffset"
        " getConsumerStatus"
    ),
    "queue": "queryCq checkRocksdbCqWriteProgress",
    "lite": (
        "getBrokerLiteInfo getParentTopicInfo getLiteTopicInfo getLiteClientInfo getLiteGroupInfo"
        " triggerLiteDispatch"
    ),
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


# mqadmin's verbs that are not here, and why
_STATIC = "static topics (RIP-37) are not there; updateTopic makes topics of the usual kind"
_CONTAINER = "broker containers (RIP-31) are not there; run one process for each broker"
_ROCKSDB = "it reads RocksDB files, which rmqwire's brokers don't write"
NOT_HERE = {
    "updateStaticTopic": _STATIC,
    "remappingStaticTopic": _STATIC,
    "addBroker": _CONTAINER,
    "removeBroker": _CONTAINER,
    "exportMetadataInRocksDB": _ROCKSDB,
    "rocksDBConfigToJson": _ROCKSDB,
    "dumpCompactionLog": "it reads compaction logs, which rmqwire's brokers don't write",
}

OTHER_NAMES = {
    "deleteAccessConfig": "deleteAclConfig",
    "getAccessConfigSubCommand": "getAclConfig",
}
_SPELLED = {name.lower(): OTHER_NAMES.get(name, name) for name in (*VERBS, *NOT_HERE, *OTHER_NAMES)}


class Verbs(LazyGroup):
    """The verbs by their names in any case, as in mqadmin; one that isn't here is refused."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that is called."""
        name = _SPELLED.get(args[0].lower(), args[0])
        reason = NOT_HERE.get(name)
        if reason is not None:
            ctx.fail(f"{name} is not there: {reason}")
        return super().resolve_command(ctx, [name, *args[1:]])


@click.group("admin", cls=Verbs, lazy=VERBS)
def admin_group() -> None:
    """Ask and change a running cluster, Java's or ours, as mqadmin does."""
