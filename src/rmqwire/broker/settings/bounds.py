"""Which values of ``broker.conf`` make sense: Java reads any number and fails later, or silently.

A segment of 0 bytes, an interval of 0 ms or a name that leads out of the store's folder must stop
the start with one line, not a running broker. The tighter bounds of settings that a client may
change at run time are those of the administration (``processors/admin/broker_config.py``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rmqwire.broker.names import MAX_QUEUE_NUMS
from rmqwire.codec.consume_queue import BATCH_UNIT, UNIT
from rmqwire.errors import ConfigError
from rmqwire.store.queues.ext_files import MIN_EXT_SEGMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.store.config import StoreConfig

_INT_MAX: Final = 2**31 - 1
_MAX_MESSAGE_SIZE: Final = 512 * 1024 * 1024
MIN_SEGMENT: Final = 1024  # bytes; a smaller log file hardly holds one record

# Java's key -> smallest and largest value.
BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "listenPort": (0, 65_535),
    "haListenPort": (0, 65_535),
    "brokerPermission": (0, 7),
    "defaultTopicQueueNums": (0, MAX_QUEUE_NUMS),
    "reviveQueueNum": (0, MAX_QUEUE_NUMS),
    "flushConsumerOffsetInterval": (1, _INT_MAX),
    "consumerOffsetUpdateVersionStep": (1, 2**63 - 1),
    "expectConsumerNumUseFilter": (1, 10_000),  # their bit map must fit a unit of 32,767 bytes
    "maxErrorRateOfBloomFilter": (1, 99),
    "filterDataCleanTimeSpan": (0, 2**63 - 1),
    "shortPollingTimeMills": (0, 2**63 - 1),
    "channelExpiredTimeout": (1, 2**63 - 1),
    "registerBrokerTimeoutMills": (1, _INT_MAX),
    "mappedFileSizeCommitLog": (MIN_SEGMENT, _INT_MAX),
    "mappedFileSizeConsumeQueue": (UNIT, _INT_MAX),
    "mapperFileSizeBatchConsumeQueue": (BATCH_UNIT, _INT_MAX),
    "mappedFileSizeConsumeQueueExt": (MIN_EXT_SEGMENT, _INT_MAX),
    "maxMessageSize": (1, _MAX_MESSAGE_SIZE),
    "flushIntervalCommitLog": (1, _INT_MAX),
    "flushIntervalConsumeQueue": (1, _INT_MAX),
    "flushCommitLogThoroughInterval": (0, _INT_MAX),
    "flushConsumeQueueThoroughInterval": (0, _INT_MAX),
    "flushCommitLogLeastPages": (0, _INT_MAX),
    "flushConsumeQueueLeastPages": (0, _INT_MAX),
    "syncFlushTimeout": (1, _INT_MAX),
    "maxTransferBytesOnMessageInMemory": (1, _INT_MAX),
    "maxTransferCountOnMessageInMemory": (1, _INT_MAX),
    "maxTransferBytesOnMessageInDisk": (1, _INT_MAX),
    "maxTransferCountOnMessageInDisk": (1, _INT_MAX),
    "accessMessageInMemoryMaxRatio": (0, 100),
    "maxFilterMessageSize": (1, _INT_MAX),
    "travelCqFileNumWhenGetMessage": (1, _INT_MAX),
    "maxHashSlotNum": (1, _INT_MAX),
    "maxIndexNum": (2, _INT_MAX),
}
_NAME = re.compile(r"[%|a-zA-Z0-9_.:@#$-]{1,255}")  # a broker is named after its host by default
_DELAY = re.compile(r"[0-9]{1,9}[smhd]")


def check_number(name: str, value: object, text: str) -> None:
    """Check a key's number against its bounds.

    Args:
        name: Java's name of the key.
        value: its value; other than whole numbers pass.
        text: the value as it stands in the file, for the error.

    Raises:
        ConfigError: it is outside of them.
    """
    low, high = BOUNDS.get(name, (None, None))
    if low is None or high is None or not isinstance(value, int):
        return
    if not low <= value <= high:
        raise ConfigError(f"{name}={text.strip()}: outside {low} to {high}")


def check_texts(broker: BrokerConfig, store: StoreConfig) -> None:
    """Check names, the list of delays and what else is text with a form.

    Raises:
        ConfigError: one has another form; names key and value.
    """
    if broker.listen_port and broker.vip_port < 1:
        raise ConfigError(f"listenPort={broker.listen_port}: no port is left for listenPort - 2")
    names = (("brokerName", broker.broker_name), ("brokerClusterName", broker.broker_cluster_name))
    for key, name in names:  # both become topics, and so folders of the store
        if _NAME.fullmatch(name) is None or ".." in name:
            raise ConfigError(
                f"{key}={name}: a name has 1 to 255 of the characters a-z A-Z 0-9 _ - . : @ # $ % |"
            )
    paths = (store.ha_tls_cert_path, store.ha_tls_key_path, store.ha_tls_trust_cert_path)
    if store.ha_tls_mode != "disabled" and not all(paths):
        raise ConfigError(
            f"haTlsMode={store.ha_tls_mode}: haTlsCertPath, haTlsKeyPath and haTlsTrustCertPath "
            "are needed"
        )
    words = store.message_delay_level.split()
    if not words or not all(_DELAY.fullmatch(word) for word in words):
        raise ConfigError(
            f"messageDelayLevel={store.message_delay_level}: not a list of delays such as 1s 5m 2h"
        )
