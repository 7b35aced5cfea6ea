"""``rmqwire admin``: users and policies of access control 2.0."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rmqwire.admin.auth import policies_of
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import Changed, broker_option, cluster_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import say
from rmqwire.codec.bodies import AclInfo, UserInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from rmqwire.cli.admin.verb import Call

    Where = tuple[str | None, str | None]

USER = "%-16s  %-22s  %-22s  %-22s"
RULE = "%-16s  %-10s  %-22s  %-20s  %-24s  %-10s"


class Names(click.ParamType[list[str]]):
    """Names joined by commas."""

    name = "names"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        """Split them; what is empty between two commas is no name."""
        return [name.strip() for name in value.split(",") if name.strip()]


NAMES = Names()

name_option = click.option("-u", "--username", type=TEXT, required=True, help="Which user.")
subject_option = click.option(
    "-s", "--subject", type=TEXT, required=True, help="Whose policies, User:NAME."
)
_RULE_OPTIONS = (
    broker_option,
    cluster_option,
    subject_option,
    click.option(
        "-r",
        "--resources",
        type=NAMES,
        required=True,
        help="Topic:NAME, Group:NAME*, Cluster:NAME, joined by commas.",
    ),
    click.option(
        "-a",
        "--actions",
        type=NAMES,
        required=True,
        help="Pub, Sub, Create, Update, Delete, Get, List, All, joined by commas.",
    ),
    click.option("-d", "--decision", type=TEXT, required=True, help="Allow or Deny."),
    click.option("-i", "--sourceIp", "source_ips", type=NAMES, help="From these addresses alone."),
)


def rule_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of a rule."""
    for option in reversed(_RULE_OPTIONS):
        verb = option(verb)
    return verb


from_option = click.option("-f", "--fromBroker", "source", type=TEXT, required=True, help="Whose.")
to_option = click.option(
    "-t", "--toBroker", "target", type=TEXT, required=True, help="Which broker gets them."
)


async def _change(
    call: Call,
    where: Where,
    what: str,
    whom: str,
    change: Callable[[str], Awaitable[None]],
    *,
    lost: str = "",
) -> None:
    """Make a change at each broker, when the user agrees, and say so.

    Args:
        call: the verb's.
        where: one broker's address, or a cluster: all its masters and slaves.
        what: is done, ``create user``.
        whom: it is about.
        change: does it at one broker.
        lost: what is gone then; empty: nothing.
    """
    addrs = await call.addresses(*where, slaves=True)
    told = f"{what} of {whom} at {', '.join(addrs)}"
    if not (call.confirmed(told, lost) if lost else call.goes_ahead(told)):
        return
    for addr in addrs:
        await change(addr)
        call.tell([Changed(addr, whom)], lambda one: [f"{what} to {one.broker} success."])


@verb(
    "createUser",
    example="createUser -b 127.0.0.1:10911 -u clerk -p secret",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@name_option
@click.option("-p", "--password", type=TEXT, required=True, help="Its secret key.")
@click.option("-t", "--userType", "user_type", type=TEXT, help="Super or Normal (default).")
async def create_user(
    call: Call,
    broker_addr: str | None,
    cluster: str | None,
    username: str,
    password: str,
    user_type: str | None,
) -> None:
    """Add a user to a broker, or to all masters and slaves of a cluster."""
    user = UserInfo(username, password, user_type)
    change = partial(call.admin.create_user, user=user)
    await _change(call, (broker_addr, cluster), "create user", username, change)


@verb(
    "updateUser",
    example="updateUser -b 127.0.0.1:10911 -u clerk -s disable",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@name_option
@click.option("-p", "--password", type=TEXT, help="Its new secret key.")
@click.option("-t", "--userType", "user_type", type=TEXT, help="Super or Normal.")
@click.option("-s", "--userStatus", "user_status", type=TEXT, help="enable or disable.")
async def update_user(
    call: Call,
    broker_addr: str | None,
    cluster: str | None,
    username: str,
    password: str | None,
    user_type: str | None,
    user_status: str | None,
) -> None:
    """Change one thing of a user: password, type or status."""
    if sum(one is not None for one in (password, user_type, user_status)) != 1:
        raise click.UsageError("one of -p, -t, -s")
    user = UserInfo(username, password, user_type, user_status)
    change = partial(call.admin.update_user, user=user)
    await _change(call, (broker_addr, cluster), "update user", username, change)


@verb(
    "deleteUser",
    example="deleteUser -b 127.0.0.1:10911 -u clerk --yes",
    namesrv="optional",
    loses=True,
)
@broker_option
@cluster_option
@name_option
async def delete_user(
    call: Call, broker_addr: str | None, cluster: str | None, username: str
) -> None:
    """Remove a user from a broker, or from all masters and slaves of a cluster."""
    change = partial(call.admin.delete_user, username=username)
    lost = "its password and policies are gone then"
    await _change(call, (broker_addr, cluster), "delete user", username, change, lost=lost)


def _user_heading() -> str:
    return row(USER, "#UserName", "#Password", "#UserType", "#UserStatus")


def _user(one: UserInfo) -> Iterator[str]:
    yield row(USER, one.username, one.password, one.user_type, one.user_status)


@verb("getUser", example="getUser -b 127.0.0.1:10911 -u clerk", namesrv="optional")
@broker_option
@cluster_option
@name_option
async def get_user(call: Call, broker_addr: str | None, cluster: str | None, username: str) -> None:
    """Show a user, as the first broker knows it that has it; its password too."""
    for addr in await call.addresses(broker_addr, cluster):
        user = await call.admin.get_user(addr, username)
        if user is not None:
            call.tell([user], _user, [_user_heading()])
            return


@verb("listUser", example="listUser -b 127.0.0.1:10911", namesrv="optional")
@broker_option
@cluster_option
@click.option("-f", "--filter", "name_filter", type=TEXT, help="Whose name holds this.")
async def list_user(
    call: Call, broker_addr: str | None, cluster: str | None, name_filter: str | None
) -> None:
    """List the users of a broker, or of the first of a cluster that has any; passwords too."""
    for addr in await call.addresses(broker_addr, cluster):
        users = await call.admin.list_user(addr, name_filter)
        if not users:
            continue
        call.tell(users, _user, [_user_heading()])
        if broker_addr is None and not call.as_json:
            say(f"get user from {addr} success.")
        return


@verb(
    "copyUser",
    example="copyUser -f 127.0.0.1:10911 -t 127.0.0.1:10921",
    namesrv="optional",
    changes=True,
)
@from_option
@to_option
@click.option("-u", "--usernames", type=NAMES, help="These, joined by commas; default: all.")
async def copy_user(call: Call, source: str, target: str, usernames: list[str] | None) -> None:
    """Give a broker the users of another, those it has already too."""
    if call.goes_ahead(f"copy users from {source} to {target}"):
        call.tell(
            await call.admin.copy_user(source, target, usernames or None),
            lambda one: [f"copy user of {one.username} from {source} to {target} success."],
        )


@verb(
    "createAcl",
    example="createAcl -b 127.0.0.1:10911 -s User:clerk -r Topic:Orders -a Pub,Sub -d Allow",
    namesrv="optional",
    changes=True,
)
@rule_options
async def create_acl(
    call: Call,
    /,
    broker_addr: str | None,
    cluster: str | None,
    **rule: Any,  # noqa: ANN401  what policies_of is called with
) -> None:
    """Allow a user something, or deny it, at a broker or all masters and slaves of a cluster."""
    acl = policies_of(**rule)
    change = partial(call.admin.create_acl, acl=acl)
    await _change(call, (broker_addr, cluster), "create acl", rule["subject"], change)


@verb(
    "updateAcl",
    example="updateAcl -b 127.0.0.1:10911 -s User:clerk -r Topic:Orders -a Sub -d Deny",
    namesrv="optional",
    changes=True,
)
@rule_options
async def update_acl(
    call: Call,
    /,
    broker_addr: str | None,
    cluster: str | None,
    **rule: Any,  # noqa: ANN401  what policies_of is called with
) -> None:
    """Change what a user is allowed or denied of these resources."""
    acl = policies_of(**rule)
    change = partial(call.admin.update_acl, acl=acl)
    await _change(call, (broker_addr, cluster), "update acl", rule["subject"], change)


@verb(
    "deleteAcl",
    example="deleteAcl -b 127.0.0.1:10911 -s User:clerk -r Topic:Orders --yes",
    namesrv="optional",
    loses=True,
)
@broker_option
@cluster_option
@subject_option
@click.option("-r", "--resources", "resource", type=TEXT, help="Of this resource; default: all.")
async def delete_acl(
    call: Call, broker_addr: str | None, cluster: str | None, subject: str, resource: str | None
) -> None:
    """Remove a user's rule for a resource, or all its policies."""
    change = partial(call.admin.delete_acl, subject=subject, resource=resource)
    lost = f"{'its rule' if resource else 'all its policies'} are gone then"
    await _change(call, (broker_addr, cluster), "delete acl", subject, change, lost=lost)


def _rule_heading() -> str:
    return row(RULE, "#Subject", "#PolicyType", "#Resource", "#Actions", "#SourceIp", "#Decision")


def _rules(acl: AclInfo) -> Iterator[str]:
    if not acl.policies:
        yield row(RULE, acl.subject, "", "", "", "", "")
    for policy in acl.policies or ():
        for one in policy.entries or ():
            told = (one.resource, one.actions, one.source_ips, one.decision)
            yield row(RULE, acl.subject, policy.policy_type, *told)


@verb("getAcl", example="getAcl -b 127.0.0.1:10911 -s User:clerk", namesrv="optional")
@broker_option
@cluster_option
@subject_option
async def get_acl(call: Call, broker_addr: str | None, cluster: str | None, subject: str) -> None:
    """Show the policies of a user."""
    for addr in await call.addresses(broker_addr, cluster):
        acl = await call.admin.get_acl(addr, subject)
        if acl is not None:
            call.tell([acl], _rules, [_rule_heading()])


@verb("listAcl", example="listAcl -b 127.0.0.1:10911 -s clerk", namesrv="optional")
@broker_option
@cluster_option
@click.option("-s", "--subject", type=TEXT, help="Whose name holds this.")
@click.option("-r", "--resource", type=TEXT, help="Of resources whose name holds this.")
async def list_acl(
    call: Call,
    broker_addr: str | None,
    cluster: str | None,
    subject: str | None,
    resource: str | None,
) -> None:
    """List the policies of all users."""
    for addr in await call.addresses(broker_addr, cluster):
        acls = await call.admin.list_acl(addr, subject, resource)
        if acls:
            call.tell(acls, _rules, [_rule_heading()])


@verb(
    "copyAcl",
    example="copyAcl -f 127.0.0.1:10911 -t 127.0.0.1:10921",
    namesrv="optional",
    changes=True,
)
@from_option
@to_option
@click.option("-s", "--subjects", type=NAMES, help="Of these, joined by commas; default: of all.")
async def copy_acl(call: Call, source: str, target: str, subjects: list[str] | None) -> None:
    """Give a broker the policies of another, those it has already too."""
    if call.goes_ahead(f"copy policies from {source} to {target}"):
        call.tell(
            await call.admin.copy_acl(source, target, subjects or None),
            lambda one: [f"copy acl of {one.subject} from {source} to {target} success."],
        )
