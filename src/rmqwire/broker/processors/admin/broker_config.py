"""Reading and changing a running broker's settings (``getBrokerConfig``, ``updateBrokerConfig``).

Only keys that their table calls live can be changed, and never a path, an address or anything
about access (CVE-2023-37582 was a name server that let anybody set a path). One key that may not
be set, or one value that makes no sense, refuses the whole batch, in memory and on disk.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from rmqwire.broker.tables.versions import advance, first_version
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import GetBrokerConfigResponseHeader
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import ConfigError, UsageError
from rmqwire.remoting.handler import Reject
from rmqwire.settings.held import HeldSettings
from rmqwire.settings.key import java_text
from rmqwire.settings.properties import changed, parse
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.settings.secret import shown
from rmqwire.store.config import delay_levels

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.disk.files import FileLayer
    from rmqwire.remoting.handler import Peer
    from rmqwire.settings.values import Checked

logger = logging.getLogger(__name__)
DELAYS = "messageDelayLevel"


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
        self._held = HeldSettings(
            state.release, state.config.properties, state.config, state.store.config
        )
        self._version = first_version(state.start_time_ms)

    # --- reading -------------------------------------------------------------------------------

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
        for name, value in self._held.shown(KEYS).items():
            if value is not None:
                result[name] = java_text(value)
        result["storePathCommitLog"] = self._state.store.config.commit_log_path
        result["bitMapLengthConsumeQueueExt"] = str(self._state.filters.bloom.bits)
        return {name: shown(name, text) for name, text in result.items()}

    # --- changing ------------------------------------------------------------------------------

    def update(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Change settings, all of the batch or none, in memory and in ``broker.conf``."""
        checked = {name: self._check(name, text) for name, text in self._parse(request).items()}
        if not checked:
            return request.create_response()
        self._check_delays(checked)
        texts = {name: java_text(taken.value) for name, taken in checked.items()}
        self._write(texts)
        self._state.config.properties.update(texts)
        for name, taken in checked.items():
            self._held.set(KEYS[name], taken.value)
        advance(self._version, self._state.wall_ms())
        self._follow(checked)
        notes = "; ".join(taken.note for taken in checked.values() if taken.note is not None)
        if notes:
            logger.warning("%s", notes)
        return request.create_response(remark=notes or None)

    def _check_delays(self, checked: Mapping[str, Checked]) -> None:
        if DELAYS in checked:
            try:
                self._state.schedule.check_change(delay_levels(str(checked[DELAYS].value)))
            except UsageError as error:
                raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None

    def _follow(self, changed_keys: Container[str]) -> None:
        """Do what new values ask for, where setting them isn't all."""
        state = self._state
        if "brokerPermission" in changed_keys:
            advance(state.topics.data_version, state.wall_ms())
            state.register_soon(())
        if DELAYS in changed_keys:
            state.schedule.change(state.store.config.delay_levels())
        if "traceTopicEnable" in changed_keys and state.config.trace_topic_enable:
            state.topics.create_trace_topic()

    def _parse(self, request: RemotingCommand) -> dict[str, str]:
        try:
            return parse(bytes(request.body).decode("utf-8"))
        except (UnicodeDecodeError, ConfigError):
            raise Reject(ResponseCode.SYSTEM_ERROR, "string2Properties error") from None

    def _check(self, name: str, text: str) -> Checked:
        """Return the value to take, or refuse the batch.

        The codes: 16 for what may not be set, as for Java's black list; 1 for a bad value.
        """
        if name in self._state.config.config_black_list.split(";"):
            raise Reject(ResponseCode.NO_PERMISSION, "Can not update config in black list.")
        key = KEYS.get(name)
        if key is None or key.live is None:
            raise Reject(ResponseCode.NO_PERMISSION, f"Can not update config {name}.")
        try:
            return key.read(text, live=True)
        except ConfigError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None

    def _write(self, changes: Mapping[str, str]) -> None:
        """Set the keys in ``broker.conf``; everything else in it stays as it is."""
        path = self._state.config.broker_config_path
        if path is None:
            return
        try:
            content = changed(Path(path).read_bytes(), changes)
            ConfigFile(path, self._files).persist(content)
        except (OSError, ConfigError) as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"{path}: not written: {error}") from None
