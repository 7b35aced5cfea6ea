"""Reading and changing a running broker's settings (``getBrokerConfig``, ``updateBrokerConfig``).

Only keys of an allow-list can be changed: typed, within a range, and never a path, an address or
anything about access (CVE-2023-37582 was a name server that let anybody set a path). One key that
may not be set, or one value out of its range, refuses the whole batch, in memory and on disk.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import javaproperties

from rmqwire.broker.tables.versions import advance, first_version
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import GetBrokerConfigResponseHeader
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import ConfigError
from rmqwire.remoting.handler import Reject
from rmqwire.settings.key import Value, java_text
from rmqwire.settings.rows.broker_conf import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.disk.files import FileLayer
    from rmqwire.remoting.handler import Peer
    from rmqwire.settings.key import ConfigKey

_INT_MAX: Final = 2**31 - 1
_LONG_MAX: Final = 2**63 - 1
# What may be changed, and between which bounds; () is any value of the key's type.
CHANGEABLE: Final[Mapping[str, tuple[int, int] | tuple[()]]] = {
    "brokerPermission": (0, 7),
    "defaultTopicQueueNums": (1, 1024),
    "autoCreateTopicEnable": (),
    "autoCreateSubscriptionGroup": (),
    "enableCreateSysGroup": (),
    "validateSystemTopicWhenUpdateTopic": (),
    "clearRetryTopicWhenDeleteTopic": (),
    "autoDeleteUnusedStats": (),
    "rejectTransactionMessage": (),
    "rejectPullConsumerEnable": (),
    "traceOn": (),
    "longPollingEnable": (),
    "shortPollingTimeMills": (1, 60_000),
    "notifyConsumerIdsChangedEnable": (),
    "useServerSideResetOffset": (),
    "enablePropertyFilter": (),
    "enableCalcFilterBitMap": (),
    "filterDataCleanTimeSpan": (0, _LONG_MAX),
    "filterSupportRetry": (),
    "startAcceptSendRequestTimeStamp": (0, _LONG_MAX),
    "flushConsumerOffsetInterval": (100, 3_600_000),
    "registerNameServerPeriod": (1_000, 60_000),
    "channelExpiredTimeout": (1_000, 86_400_000),
    "forceRegister": (),
    "compressedRegister": (),
    "maxMessageSize": (1, 512 * 1024 * 1024),
    "flushIntervalCommitLog": (1, 3_600_000),
    "flushIntervalConsumeQueue": (1, 3_600_000),
    "syncFlushTimeout": (1, 3_600_000),
    "maxTransferBytesOnMessageInMemory": (1, _INT_MAX),
    "maxTransferCountOnMessageInMemory": (1, _INT_MAX),
    "maxTransferBytesOnMessageInDisk": (1, _INT_MAX),
    "maxTransferCountOnMessageInDisk": (1, _INT_MAX),
    "accessMessageInMemoryMaxRatio": (0, 100),
    "flushCommitLogLeastPages": (0, _INT_MAX),
    "flushCommitLogThoroughInterval": (1, 86_400_000),
    "flushConsumeQueueLeastPages": (0, _INT_MAX),
    "flushConsumeQueueThoroughInterval": (1, 86_400_000),
    "maxFilterMessageSize": (1, _INT_MAX),
    "fileReservedTime": (1, 87_600),
    "deleteWhen": (),
    "cleanResourceInterval": (1_000, 3_600_000),
    "deleteCommitLogFilesInterval": (0, 60_000),
    "deleteConsumeQueueFilesInterval": (0, 60_000),
    "deleteFileBatchMax": (1, 1_000),
    "cleanFileForciblyEnable": (),
    "diskMaxUsedSpaceRatio": (10, 95),
    "diskSpaceWarningLevelRatio": (35, 90),
    "diskSpaceCleanForciblyRatio": (30, 85),
    "defaultQueryMaxNum": (1, 1_000),
    "maxMsgsNumBatch": (1, 10_000),
    "messageIndexEnable": (),
    "indexFileWriteEnable": (),
    "indexFileReadEnable": (),
}
_SECRET: Final = re.compile(
    r"secret|password|passwd|credential|token|signature|accesskey|initauthenticationuser"
    r"|exporterheader|certpassword|keypassword",
    re.IGNORECASE,
)
REDACTED: Final = "******"


class ConfigAdmin:
    """Answers GET_BROKER_CONFIG and UPDATE_BROKER_CONFIG.

    Args:
        state: the broker.
        files: where ``broker.conf`` is written.
    """

    def __init__(self, state: BrokerState, files: FileLayer | None = None) -> None:
        self._state = state
        self._release = state.release
        self._files = files or RealFiles()
        self._version = first_version(state.wall_ms())

    # -- reading -------------------------------------------------------------------------------

    def get(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return every key of the release with its value now, secrets struck out."""
        lines = [f"{name}={value}\n" for name, value in sorted(self.settings().items())]
        version = self._version.encode(self._release).decode()
        return request.create_response(
            header=GetBrokerConfigResponseHeader(version=version), body="".join(lines).encode()
        )

    def settings(self) -> dict[str, str]:
        """Collect every key: as the broker holds it, else as the file says, else the default."""
        result = dict(self._state.config.properties)
        for name, key in KEYS.items():
            if self._release.name in key.defaults:
                value = self._value(key)
                if value is not None:
                    result[name] = java_text(value)
        result["storePathCommitLog"] = self._state.store.config.commit_log_path
        for name, text in result.items():
            if text and _SECRET.search(name):
                result[name] = REDACTED
        return result

    def _value(self, key: ConfigKey) -> Value:
        holder = self._holder(key)
        if holder is not None:
            value: Value = getattr(holder, key.attribute)
            return value
        if key.name in self._state.config.properties:
            return self._state.config.properties[key.name]
        return key.default(self._release)

    def _holder(self, key: ConfigKey) -> object | None:
        for config in (self._state.config, self._state.store.config):
            if hasattr(config, key.attribute):
                return config
        return None

    # -- changing ------------------------------------------------------------------------------

    def update(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Change settings, all of the batch or none, in memory and in ``broker.conf``."""
        changes = self._parse(bytes(request.body))
        values = {key: self._check(key, text) for key, text in changes.items()}
        if not values:
            return request.create_response()
        self._write(changes)
        self._state.config.properties.update(changes)
        for name, value in values.items():
            key = KEYS[name]
            for config in (self._state.config, self._state.store.config):
                if hasattr(config, key.attribute):
                    setattr(config, key.attribute, value)
        advance(self._version, self._state.wall_ms())
        if "brokerPermission" in values:
            advance(self._state.topics.data_version, self._state.wall_ms())
            self._state.register_soon()
        return request.create_response()

    def _parse(self, body: bytes) -> dict[str, str]:
        try:
            return dict(javaproperties.loads(body.decode("utf-8")))
        except (ValueError, javaproperties.InvalidUEscapeError):
            raise Reject(ResponseCode.SYSTEM_ERROR, "string2Properties error") from None

    def _check(self, name: str, text: str) -> Value:
        """Return the value, or refuse the batch.

        The codes: 16 for what may not be set, as for Java's black list; 1 for a bad value.
        """
        if name in self._state.config.config_black_list.split(";"):
            raise Reject(ResponseCode.NO_PERMISSION, "Can not update config in black list.")
        bounds = CHANGEABLE.get(name)
        if bounds is None:
            raise Reject(ResponseCode.NO_PERMISSION, f"Can not update config {name}.")
        try:
            value = KEYS[name].parse(text)
        except ConfigError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None
        if bounds and isinstance(value, int) and not bounds[0] <= value <= bounds[1]:
            raise Reject(
                ResponseCode.SYSTEM_ERROR, f"{name}={text}: outside {bounds[0]} to {bounds[1]}"
            )
        return value

    def _write(self, changes: Mapping[str, str]) -> None:
        """Set the keys in ``broker.conf``; everything else in it stays as it is."""
        path = self._state.config.broker_config_path
        if path is None:
            return
        try:
            with Path(path).open("rb") as file:
                content = javaproperties.PropertiesFile.load(file)
            for name, text in changes.items():
                content[name] = text
            ConfigFile(path, self._files).persist(content.dumps().encode("latin-1"))
        except (OSError, ValueError, javaproperties.InvalidUEscapeError) as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"{path}: not written: {error}") from None
