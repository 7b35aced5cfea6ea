"""The items of a configuration as ``name=value`` lines (Java ``MixAll.printObjectProperties``)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from rmqwire.broker.config_key import java_text
from rmqwire.broker.config_keys import SECTIONS
from rmqwire.client.config import camel_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.broker.config import LoadedConfig
    from rmqwire.broker.config_key import ConfigKey, Value

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
    """Give the broker's items in the order of Java's classes, those of its release only.

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
    for config in (loaded.broker, loaded.store):
        if hasattr(config, key.attribute):
            value: Value = getattr(config, key.attribute)
            return value
    return loaded.broker.properties.get(key.name, key.default(loaded.release))


def dataclass_lines(config: object) -> Iterator[str]:
    """Give the items of a configuration class under Java's names."""
    if not dataclasses.is_dataclass(config):
        raise TypeError(f"{config!r} is no dataclass")
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value is None or isinstance(value, (str, int, float, bool)):
            yield f"{camel_case(field.name)}={java_text(value)}"
