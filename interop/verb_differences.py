"""Where mqadmin may print other lines at rmqwire, and why; which verbs have no answer to compare."""

from __future__ import annotations

from typing import NamedTuple

EVERY = ("4.9.7", "5.5.0")


class Different(NamedTuple):
    """Lines that only one side prints.

    Args:
        releases: in which.
        words: a pattern of the verb and its words.
        line: a pattern of the whole line.
        why: the reason.
    """

    releases: tuple[str, ...]
    words: str
    line: str
    why: str


DIFFERENT = [
    Different(
        EVERY,
        r"getBrokerConfig .*",
        r"(corruptionPolicy|haAckAfterFlush|haDivergencePolicy|haTls\w+|rmqAddressServer\w+|rocketmqVersion"
        r"|slaveSyncInterval|tls\.[\w.]+|rocketmqHome) = .*",
        "keys that Java has as system properties or in another file, or not at all",
    ),
    Different(
        EVERY,
        r"getBrokerConfig .*",
        r"(storePathCommitLog|brokerConfigPath) = .*",
        "Java shows no key whose value is null",
    ),
    Different(
        ("5.5.0",),
        r"getBrokerConfig .*",
        r"(acl\w+|authenticationEnabled|authorizationEnabled|migrateAuthFromV1Enabled|stateful\w+|userCache\w+)"
        r" = .*",
        "Java keeps AuthConfig out of what it shows",
    ),
    Different(
        ("4.9.7",),
        r"getNamesrvConfig",
        r"(bindAddress|rocketmqVersion) = .*",
        "4.9.7 knows no bindAddress and shows it as a stranger's; rocketmqVersion is a key of ours",
    ),
    Different(EVERY, r"getNamesrvConfig", r"rocketmqVersion = .*", "a key of ours"),
    Different(
        ("4.9.7",),
        r"getAclConfig .*",
        r"secretKey : .*",
        "secrets are stars",
    ),
    Different(
        ("4.9.7",),
        r"updateAclConfig -b BROKER -a short -s 1",
        r"Caused by: .* CODE: 209 DESC: The accessKey=short and secretKey=.*",
        "secrets are stars",
    ),
]
ACCESS = "test_auth runs it"
CONTROLLER = "asks the controller, which isn't there yet"
LITE = "test_lite runs it"
ROCKSDB = "reads or compares RocksDB's files, which there are none of"
CONTAINER = "asks a BrokerContainer"
STATIC = "static topics aren't there"
NOT_RUN = {
    "startMonitoring": "goes on for ever and prints nothing; test_monitoring_starts",
    **dict.fromkeys(
        ("createUser", "updateUser", "deleteUser", "getUser", "listUser"), ACCESS
    ),
    **dict.fromkeys(("createAcl", "updateAcl", "deleteAcl", "getAcl", "listAcl"), ACCESS),
    **dict.fromkeys(("copyUser", "copyAcl"), "the verbs above on two brokers"),
    **dict.fromkeys(
        ("electMaster", "getControllerConfig", "updateControllerConfig", "getControllerMetaData",
         "getSyncStateSet", "cleanBrokerMetadata"), CONTROLLER
    ),
    **dict.fromkeys(
        ("getBrokerLiteInfo", "getLiteClientInfo", "getLiteGroupInfo", "getLiteTopicInfo",
         "getParentTopicInfo", "triggerLiteDispatch"), LITE
    ),
    **dict.fromkeys(
        ("checkRocksdbCqWriteProgress", "rocksDBConfigToJson", "exportMetadataInRocksDB"), ROCKSDB
    ),
    "dumpCompactionLog": "reads files of a compacted topic, which there are none of",
    **dict.fromkeys(("addBroker", "removeBroker"), CONTAINER),
    **dict.fromkeys(("updateStaticTopic", "remappingStaticTopic"), STATIC),
}  # fmt: skip
