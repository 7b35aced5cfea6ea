"""``rmqwire admin``: accounts of access control 1.0 (brokers of 4.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rmqwire.cli.admin.auth import NAMES
from rmqwire.cli.admin.printing import fields_of, java_text, row, second_text
from rmqwire.cli.admin.verb import Changed, broker_option, cluster_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import say
from rmqwire.codec.bodies import AclConfig, PlainAccessConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import ClusterAclVersionInfo

VERSION = "%-16s  %-22s  %-22s  %-20s  %-22s  %-22s"

key_option = click.option(
    "-a", "--accessKey", "access_key", type=TEXT, required=True, help="Which account."
)


@verb(
    "updateAclConfig",
    example="updateAclConfig -b 127.0.0.1:10911 -a clerk -s secret -t Orders=PUB",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@key_option
@click.option("-s", "--secretKey", "secret_key", type=TEXT, required=True, help="Its secret.")
@click.option(
    "-w", "--whiteRemoteAddress", "white_remote_address", type=TEXT, help="No secret from there."
)
@click.option(
    "-i", "--defaultTopicPerm", "default_topic_perm", type=TEXT, help="DENY, PUB, SUB, PUB|SUB."
)
@click.option(
    "-u", "--defaultGroupPerm", "default_group_perm", type=TEXT, help="DENY, PUB, SUB, PUB|SUB."
)
@click.option("-t", "--topicPerms", "topic_perms", type=NAMES, help="topicA=DENY,topicD=SUB.")
@click.option("-g", "--groupPerms", "group_perms", type=NAMES, help="groupA=DENY,groupD=SUB.")
@click.option("-m", "--admin", "admin", type=bool, default=False, help="true: it may all.")
async def update_acl_config(
    call: Call,
    /,
    broker_addr: str | None,
    cluster: str | None,
    **settings: Any,  # noqa: ANN401  those of the account
) -> None:
    """Add an account to brokers of 4.9, or change it."""
    account = PlainAccessConfig(**settings)
    access_key = settings["access_key"]
    addrs = await call.addresses(broker_addr, cluster, slaves=True)
    if not call.goes_ahead(f"set account {access_key} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        await call.admin.update_acl_config(addr, account)
        call.tell(
            [Changed(addr, access_key)],
            lambda one: [f"create or update plain access config to {one.broker} success."],
        )
    if not call.as_json:
        say(_without_secret(account))


def _without_secret(account: PlainAccessConfig) -> str:
    told = (f"{k}={java_text(v)}" for k, v in fields_of(account) if k != "secretKey")
    return f"PlainAccessConfig{{{', '.join(told)}}}"


@verb(
    "deleteAclConfig",
    example="deleteAclConfig -b 127.0.0.1:10911 -a clerk --yes",
    namesrv="optional",
    loses=True,
)
@broker_option
@cluster_option
@key_option
async def delete_acl_config(
    call: Call, broker_addr: str | None, cluster: str | None, access_key: str
) -> None:
    """Remove an account from brokers of 4.9."""
    addrs = await call.addresses(broker_addr, cluster, slaves=True)
    what = f"delete account {access_key} at {', '.join(addrs)}"
    if not call.confirmed(what, "its secret and permissions are gone then"):
        return
    for addr in addrs:
        await call.admin.delete_acl_config(addr, access_key)
        call.tell(
            [Changed(addr, access_key)],
            lambda one: [f"delete plain access config account from {one.broker} success."],
        )
    if not call.as_json:
        say(f"account's accesskey is:{access_key}")


@verb(
    "updateGlobalWhiteAddr",
    example="updateGlobalWhiteAddr -b 127.0.0.1:10911 -g '10.10.103.*,192.168.0.*'",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@click.option(
    "-g",
    "--globalWhiteRemoteAddresses",
    "addresses",
    type=TEXT,
    required=True,
    help="The whole list, joined by commas.",
)
@click.option(
    "-p", "--aclFileFullPath", "path", type=TEXT, default="", help="In this file of the broker's."
)
async def update_global_white_addr(
    call: Call, broker_addr: str | None, cluster: str | None, addresses: str, path: str
) -> None:
    """Set from where no account is needed, at brokers of 4.9."""
    addrs = await call.addresses(broker_addr, cluster, slaves=True)
    if not call.goes_ahead(f"set the white list {addresses} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        await call.admin.update_global_white_addr(addr, addresses, path)
        call.tell(
            [Changed(addr, addresses)],
            lambda one: [f"update global white remote addresses to {one.broker} success."],
        )


@verb("getAclConfig", example="getAclConfig -b 127.0.0.1:10911", namesrv="optional")
@broker_option
@cluster_option
async def get_acl_config(call: Call, broker_addr: str | None, cluster: str | None) -> None:
    """Show the accounts and the white list of brokers of 4.9."""
    for addr in await call.addresses(broker_addr, cluster):
        call.tell([await call.admin.get_acl_config(addr)], _accounts)


def _accounts(found: AclConfig) -> Iterator[str]:
    yield ""
    yield row("%-20s: %s", "globalWhiteRemoteAddresses", found.global_white_addrs or [])
    yield ""
    yield "accounts:"
    for account in found.plain_access_configs or ():
        for name, value in fields_of(account):
            yield row("  %-18s: %s", name, "" if value is None else value)
        yield ""


@verb(
    "clusterAclConfigVersion",
    example="clusterAclConfigVersion -n 127.0.0.1:9876 -c DefaultCluster",
    namesrv="optional",
)
@broker_option
@cluster_option
async def cluster_acl_config_version(
    call: Call, broker_addr: str | None, cluster: str | None
) -> None:
    """Show the versions of the ACL files of brokers of 4.9."""
    addrs = await call.addresses(broker_addr, cluster)
    found = [await call.admin.cluster_acl_config_version(addr) for addr in addrs]
    call.tell(found, _versions, [] if broker_addr is not None else [_versions_heading()])
    if not call.as_json:
        whose = "broker's" if broker_addr is not None else "cluster's"
        say(f"get {whose} plain access config version success.")


def _versions_heading() -> str:
    return row(
        VERSION,
        "#Cluster Name",
        "#Broker Name",
        "#Broker Addr",
        "#AclFilePath",
        "#AclConfigVersionNum",
        "#AclLastUpdateTime",
    )


def _versions(found: ClusterAclVersionInfo) -> Iterator[str]:
    for path, version in (found.all_acl_config_data_version or {}).items():
        broker = (found.cluster_name, found.broker_name, found.broker_addr)
        yield row(VERSION, *broker, path, version.counter, second_text(version.timestamp))
