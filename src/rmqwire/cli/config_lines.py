"""The items of a configuration as ``name=value`` lines (Java ``MixAll.printObjectProperties``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.settings.held import HeldSettings
from rmqwire.settings.key import java_text
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.settings.secret import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.broker.settings.values import LoadedConfig

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
    held = HeldSettings(loaded.release, loaded.broker.properties, loaded.broker, loaded.store)
    own = {"rocketmqVersion": loaded.release.name}
    for name, value in held.shown(KEYS).items():
        if not important or name in IMPORTANT:
            yield f"{name}={shown(name, java_text(own.get(name) or value))}"
