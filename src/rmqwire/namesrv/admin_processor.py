"""KV tables and the name server's own configuration, as admin tools change them.

UPDATE_NAMESRV_CONFIG takes only keys of an allow-list, and all of a batch or nothing: a path that
could be set by wire was CVE-2023-37582.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import headers as h
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import ConfigError, StoreError
from rmqwire.namesrv import names
from rmqwire.namesrv.config import (
    KEYS,
    SETTABLE,
    file_text,
    format_config,
    parse_properties,
    parse_value,
)
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.namesrv.state import NamesrvState
    from rmqwire.remoting.handler import Peer


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
            given = parse_properties(str(request.body, "utf-8"))
        except (UnicodeDecodeError, ConfigError):
            raise names.refused("string2Properties error") from None
        if not given.keys() <= SETTABLE:
            raise Reject(ResponseCode.NO_PERMISSION, "Can not update config in black list.")
        try:
            values = {key: parse_value(key, text) for key, text in given.items()}
        except ConfigError as error:
            raise Reject(ResponseCode.NO_PERMISSION, str(error)) from None
        self._apply(values)
        return request.create_response()

    def _apply(self, values: dict[str, str | int | bool]) -> None:
        """Set the values and keep them on disk; the disk's refusal undoes them."""
        config = self.state.config
        before = {key: getattr(config, KEYS[key].name) for key in values}
        self._set(values)
        try:
            self.state.save_config(file_text(config))
        except OSError as error:
            self._set(before)
            raise names.refused(f"the configuration can't be kept: {error}") from None

    def _set(self, values: dict[str, str | int | bool]) -> None:
        for key, value in values.items():
            setattr(self.state.config, KEYS[key].name, value)
