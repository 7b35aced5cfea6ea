"""KV tables and the name server's own configuration, as admin tools change them.

UPDATE_NAMESRV_CONFIG takes only keys that their table calls live, and all of a batch or nothing: a path that
could be set by wire was CVE-2023-37582.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import headers as h
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import ConfigError, StoreError
from rmqwire.namesrv import names
from rmqwire.namesrv.config import file_text, format_config, held_by
from rmqwire.remoting.handler import Reject
from rmqwire.settings.key import java_text
from rmqwire.settings.properties import parse
from rmqwire.settings.rows.namesrv_conf import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.namesrv.state import NamesrvState
    from rmqwire.remoting.handler import Peer
    from rmqwire.settings.values import Value


class AdminProcessor:
    """Requests of ``mqadmin`` that change the name server itself."""

    def __init__(self, state: NamesrvState) -> None:
        self.state = state

    def put_kv(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """PUT_KV_CONFIG: set one value."""
        header = request.decode_header(h.PutKVConfigRequestHeader)
        try:
            self.state.kv.put(header.namespace, header.key, header.value)
        except StoreError as error:
            raise names.refused(str(error)) from None
        return request.create_response()

    def get_kv(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_KV_CONFIG: give one value."""
        header = request.decode_header(h.GetKVConfigRequestHeader)
        value = self.state.kv.get(header.namespace, header.key)
        if value is None:
            return request.create_response(
                ResponseCode.QUERY_NOT_FOUND,
                f"No config item, Namespace: {header.namespace} Key: {header.key}",
                h.GetKVConfigResponseHeader(),
            )
        return request.create_response(header=h.GetKVConfigResponseHeader(value=value))

    def delete_kv(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """DELETE_KV_CONFIG: forget one value."""
        header = request.decode_header(h.DeleteKVConfigRequestHeader)
        try:
            self.state.kv.delete(header.namespace, header.key)
        except StoreError as error:
            raise names.refused(str(error)) from None
        return request.create_response()

    def kv_list(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_KVLIST_BY_NAMESPACE: give all values of a namespace."""
        header = request.decode_header(h.GetKVListByNamespaceRequestHeader)
        body = self.state.kv.namespace_body(header.namespace)
        if body is None:
            raise Reject(
                ResponseCode.QUERY_NOT_FOUND, f"No config item, Namespace: {header.namespace}"
            )
        return request.create_response(body=body)

    def get_config(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """GET_NAMESRV_CONFIG: give every key."""
        return request.create_response(body=format_config(self.state.config).encode())

    def update_config(self, _connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """UPDATE_NAMESRV_CONFIG: set keys of the allow-list, all or none."""
        if not len(request.body):
            return request.create_response()
        try:
            given = parse(str(request.body, "utf-8"))
        except (UnicodeDecodeError, ConfigError):
            raise names.refused("string2Properties error") from None
        values = {name: self._checked(name, text) for name, text in given.items()}
        self._apply(values)
        return request.create_response()

    def _checked(self, name: str, text: str) -> Value:
        """Return the value of a key that may be set, or refuse the batch."""
        key = KEYS.get(name)
        black = self.state.config.config_black_list.split(";")
        if key is None or key.live is None or name in black:
            raise Reject(ResponseCode.NO_PERMISSION, "Can not update config in black list.")
        try:
            return key.read(text, live=True).value
        except ConfigError as error:
            raise Reject(ResponseCode.NO_PERMISSION, str(error)) from None

    def _apply(self, values: Mapping[str, Value]) -> None:
        """Set the values and keep them on disk; the disk's refusal undoes them."""
        config = self.state.config
        held = held_by(config)
        before = {name: held.value(KEYS[name]) for name in values}
        self._set(values)
        try:
            self.state.save_config(file_text(config))
        except OSError as error:
            self._set(before)
            raise names.refused(f"the configuration can't be kept: {error}") from None

    def _set(self, values: Mapping[str, Value]) -> None:
        held = held_by(self.state.config)
        for name, value in values.items():
            held.set(KEYS[name], value)
            self.state.config.properties[name] = java_text(value)
