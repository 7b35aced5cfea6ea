"""Headers about users and permissions. Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from rmqwire.codec.headers.base import Header


class CreateAccessConfigRequestHeader(Header, kw_only=True):
    """Ask UPDATE_AND_CREATE_ACL_CONFIG (50). Only 4.9.7."""

    access_key: str
    secret_key: str | None = None
    white_remote_address: str | None = None
    admin: bool = False
    default_topic_perm: str | None = None
    default_group_perm: str | None = None
    topic_perms: str | None = None
    group_perms: str | None = None


class DeleteAccessConfigRequestHeader(Header, kw_only=True):
    """Ask DELETE_ACL_CONFIG (51). Only 4.9.7."""

    access_key: str


class GetBrokerAclConfigResponseHeader(Header, kw_only=True):
    """Answer GET_BROKER_CLUSTER_ACL_INFO (52). Only 4.9.7."""

    version: str
    all_acl_file_version: str | None = None
    broker_name: str
    broker_addr: str
    cluster_name: str


class GetBrokerClusterAclConfigResponseHeader(Header, kw_only=True):
    """Answer GET_BROKER_CLUSTER_ACL_CONFIG (54). Only 4.9.7."""

    plain_access_configs: str


class UpdateGlobalWhiteAddrsConfigRequestHeader(Header, kw_only=True):
    """Ask UPDATE_GLOBAL_WHITE_ADDRS_CONFIG (53). Only 4.9.7."""

    global_white_addrs: str
    acl_file_full_path: str


class CreateAclRequestHeader(Header, kw_only=True):
    """Ask AUTH_CREATE_ACL (3006). Only 5.5.0."""

    subject: str | None = None


class CreateUserRequestHeader(Header, kw_only=True):
    """Ask AUTH_CREATE_USER (3001). Only 5.5.0."""

    username: str | None = None


class DeleteAclRequestHeader(Header, kw_only=True):
    """Ask AUTH_DELETE_ACL (3008). Only 5.5.0."""

    subject: str | None = None
    policy_type: str | None = None
    resource: str | None = None


class DeleteUserRequestHeader(Header, kw_only=True):
    """Ask AUTH_DELETE_USER (3003). Only 5.5.0."""

    username: str | None = None


class GetAclRequestHeader(Header, kw_only=True):
    """Ask AUTH_GET_ACL (3009). Only 5.5.0."""

    subject: str | None = None


class GetUserRequestHeader(Header, kw_only=True):
    """Ask AUTH_GET_USER (3004). Only 5.5.0."""

    username: str | None = None


class ListAclsRequestHeader(Header, kw_only=True):
    """Ask AUTH_LIST_ACL (3010). Only 5.5.0."""

    subject_filter: str | None = None
    resource_filter: str | None = None


class ListUsersRequestHeader(Header, kw_only=True):
    """Ask AUTH_LIST_USER (3005). Only 5.5.0."""

    filter: str | None = None


class UpdateAclRequestHeader(Header, kw_only=True):
    """Ask AUTH_UPDATE_ACL (3007). Only 5.5.0."""

    subject: str | None = None


class UpdateUserRequestHeader(Header, kw_only=True):
    """Ask AUTH_UPDATE_USER (3002). Only 5.5.0."""

    username: str | None = None
