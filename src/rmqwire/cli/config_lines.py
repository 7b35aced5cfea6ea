"""The items of a configuration as ``name=value`` lines (Java ``MixAll.printObjectProperties``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rmqwire.settings.key import java_text
from rmqwire.settings.rows.broker_conf import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.settings.key import ConfigKey, Value

# What Java marks with @ImportantField, less what has no counterpart here.
IMPORTANT = frozenset(
    [
        "brokerName",
        "brokerClusterName",
        "brokerId",
        "namesrvAddr",
        "listenPort",
        "brokerIP1",
        "autoCreateTopicEnable",
        "autoCreateSubscriptionGroup",
        "msgTraceTopicName",
        "traceTopicEnable",
        "rejectTransactionMessage",
        "transactionTimeOut",
        "transactionCheckMax",
        "transactionCheckInterval",
        "aclEnable",
        "storePathRootDir",
        "storePathCommitLog",
        "flushIntervalCommitLog",
        "flushCommitLogTimed",
        "deleteWhen",
        "fileReservedTime",
        "maxTransferBytesOnMessageInMemory",
        "maxTransferCountOnMessageInMemory",
        "maxTransferBytesOnMessageInDisk",
        "maxTransferCountOnMessageInDisk",
        "accessMessageInMemoryMaxRatio",
        "rocketmqVersion",
    ]
)


def broker_config_lines(loaded: LoadedConfig, *, important: bool) -> Iterator[str]:
    """Return the broker's items in the order of Java's classes, those of its release only.

    Args:
        loaded: the configuration.
        important: only those that matter most.
    """
    for section in SECTIONS.values():
        for key in section:
            if loaded.release.name in key.defaults and (not important or key.name in IMPORTANT):
                yield f"{key.name}={java_text(_value(key, loaded))}"


def _value(key: ConfigKey, loaded: LoadedConfig) -> Value:
    if key.name == "rocketmqVersion":
        return loaded.release.name
    if key.name == "rocketmqHome" and key.name not in loaded.broker.properties:
        return os.environ.get("ROCKETMQ_HOME", "")
    for config in (loaded.broker, loaded.store):
        if hasattr(config, key.attribute):
            value: Value = getattr(config, key.attribute)
            return value
    return loaded.broker.properties.get(key.name, key.default(loaded.release))
