"""Access control: 4.x plain ACL, 5.x users and policies."""

from typing import Any, ClassVar

from rmqwire.codec.bodies.base import Body, Int, Long
from rmqwire.codec.bodies.common import DataVersion


class PlainAccessConfig(Body):
    """One account of ``plain_acl.yml``."""

    access_key: str | None = None
    secret_key: str | None = None
    white_remote_address: str | None = None
    admin: bool = False
    default_topic_perm: str | None = None
    default_group_perm: str | None = None
    topic_perms: list[str] | None = None
    group_perms: list[str] | None = None

    def __repr__(self) -> str:
        return f"<PlainAccessConfig {self.access_key}>"


class AclConfig(Body):
    """All accounts and the global white list."""

    global_white_addrs: list[str] | None = None
    plain_access_configs: list[PlainAccessConfig] | None = None


class GetBrokerClusterAclConfigResponseBody(Body):
    """The same as a broker's answer."""

    global_white_addrs: list[str] | None = None
    plain_access_configs: list[PlainAccessConfig] | None = None


class ClusterAclVersionInfo(Body):
    """Versions of a broker's ACL files."""

    broker_name: str = ""
    broker_addr: str | None = None
    acl_config_data_version: DataVersion | None = None
    all_acl_config_data_version: dict[str, DataVersion] | None = None
    cluster_name: str = ""


class PlainAccessDataVersion(Body):
    """Version of one ACL file."""

    timestamp: Long = 0
    counter: Long = 0


class UserInfo(Body):
    """A user (RIP-63)."""

    username: str = ""
    password: str | None = None
    user_type: str | None = None
    user_status: str | None = None


class User(Body):
    """A user as stored; kinds and states are Java's numbers."""

    _derived: ClassVar[dict[str, str]] = {"subjectType": "subject_type"}

    username: str = ""
    password: str | None = None
    user_type: Int | None = None
    user_status: Int | None = None

    @property
    def subject_type(self) -> int:
        """Java ``SubjectType.USER``."""
        return 1


class PolicyEntryInfo(Body):
    """One rule."""

    resource: str | None = None
    actions: list[str] | None = None
    source_ips: list[str] | None = None
    decision: str | None = None


class PolicyInfo(Body):
    """Rules of one kind."""

    policy_type: str | None = None
    entries: list[PolicyEntryInfo] | None = None


class AclInfo(Body):
    """All rules of one subject."""

    subject: str | None = None
    policies: list[PolicyInfo] | None = None


class Acl(Body):
    """All rules as stored: each policy is an object of numbers, kept as it came."""

    policies: list[dict[str, Any]] | None = None
