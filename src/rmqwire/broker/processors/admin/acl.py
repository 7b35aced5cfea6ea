"""Reading and changing the accounts of access control 1.0: mqadmin's ``updateAclConfig``,
``deleteAclConfig``, ``updateGlobalWhiteAddr``, ``getAclConfig`` and ``clusterAclConfigVersion`` of 4.9.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from rmqwire.auth.acl_edit import AclEditor
from rmqwire.codec.bodies import PlainAccessConfig
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    CreateAccessConfigRequestHeader,
    DeleteAccessConfigRequestHeader,
    GetBrokerAclConfigResponseHeader,
    UpdateGlobalWhiteAddrsConfigRequestHeader,
)
from rmqwire.errors import AclError
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)

NOT_ENABLED = "access control is not enabled: aclEnable=false"
UPDATE_FAILED = ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED
DELETE_FAILED = ResponseCode.DELETE_ACL_CONFIG_FAILED
WHITE_FAILED = ResponseCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED


class AclAdmin:
    """Answers the five requests about accounts.

    Args:
        state: the broker, with or without access control.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        acl = state.acl
        self._editor = None if acl is None else AclEditor(acl, state.wall_ms)

    def update(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Add or change an account (``updateAndCreateAccessConfig``)."""
        header = request.decode_header(CreateAccessConfigRequestHeader)
        config = PlainAccessConfig(
            access_key=header.access_key,
            secret_key=header.secret_key,
            white_remote_address=header.white_remote_address,
            admin=header.admin,
            default_topic_perm=header.default_topic_perm,
            default_group_perm=header.default_group_perm,
            topic_perms=_split(header.topic_perms),
            group_perms=_split(header.group_perms),
        )
        editor = self._enabled(UPDATE_FAILED)
        _changed(UPDATE_FAILED, lambda: editor.update_account(config))
        logger.warning("account %s is set by %s", config.access_key, connection.peer)
        return request.create_response()

    def delete(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Take an account away (``deleteAccessConfig``)."""
        key = request.decode_header(DeleteAccessConfigRequestHeader).access_key
        editor = self._enabled(DELETE_FAILED)
        if not _changed(DELETE_FAILED, lambda: editor.delete_account(key)):
            remark = f"The accesskey[{key}] corresponding to accessConfig has been deleted failed."
            raise Reject(DELETE_FAILED, remark)
        logger.warning("account %s is deleted by %s", key, connection.peer)
        return request.create_response()

    def set_white_addresses(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Set a global white list (``updateGlobalWhiteAddrsConfig``)."""
        fields = {"aclFileFullPath": "", **(request.ext_fields or {})}  # mqadmin leaves it out
        header = UpdateGlobalWhiteAddrsConfigRequestHeader.decode(fields)
        text, path = header.global_white_addrs, header.acl_file_full_path
        editor, addresses = self._enabled(WHITE_FAILED), _split(text) or []
        if not _changed(WHITE_FAILED, lambda: editor.set_white_addresses(addresses, path)):
            remark = f"The globalWhiteAddresses[{text}] has been updated failed."
            raise Reject(WHITE_FAILED, remark)
        logger.warning("white list %s is set by %s", text, connection.peer)
        return request.create_response()

    def versions(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the versions of the files (``getBrokerAclConfigVersion``)."""
        acl, config, release = self._state.acl, self._state.config, self._state.release
        if acl is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, NOT_ENABLED)
        versions = acl.table.versions
        default = versions.get(acl.default_path) or acl.first_version
        texts = [f"{json.dumps(p)}:{v.encode(release).decode()}" for p, v in versions.items()]
        return request.create_response(
            header=GetBrokerAclConfigResponseHeader(
                version=default.encode(release).decode(),
                all_acl_file_version=f"{{{','.join(texts)}}}",
                broker_name=config.broker_name,
                broker_addr=config.broker_addr,
                cluster_name=config.broker_cluster_name,
            )
        )

    def accounts(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return all accounts, secrets struck out (``getBrokerClusterAclConfig``)."""
        shown = self._enabled(ResponseCode.SYSTEM_ERROR).shown()
        return request.create_response(body=shown.encode(self._state.release))

    def _enabled(self, code: int) -> AclEditor:
        if self._editor is None:
            raise Reject(code, NOT_ENABLED)
        return self._editor


def _changed(code: int, change: Callable[[], bool | None]) -> bool | None:
    """Make a change, or refuse the request with ``code``."""
    try:
        return change()
    except AclError as error:
        raise Reject(code, str(error)) from None
    except OSError as error:
        raise Reject(code, f"not written: {error}") from None


def _split(text: str | None) -> list[str] | None:
    """Split at commas as ``String.split`` does: empty parts at the end are none."""
    if text is None:
        return None
    parts = text.split(",")
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts
