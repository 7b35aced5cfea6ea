"""``rmqwire admin``: name servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin import server_settings
from rmqwire.cli.admin.verb import key_option, value_option, verb
from rmqwire.cli.options import TEXT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rmqwire.cli.admin.verb import Call

namespace_option = click.option(
    "-s", "--namespace", type=TEXT, required=True, help="Which key-value table."
)
name_option = click.option(
    "-b", "--brokerName", "broker_name", type=TEXT, required=True, help="Which broker."
)


@verb("getNamesrvConfig", example="getNamesrvConfig -n 127.0.0.1:9876")
async def get_namesrv_config(call: Call) -> None:
    """Show the settings of each name server."""
    await server_settings.show(call, call.admin.namesrv_addrs, call.admin.get_namesrv_config)


@verb(
    "updateNamesrvConfig",
    example="updateNamesrvConfig -n 127.0.0.1:9876 -k orderMessageEnable -v true",
    changes=True,
)
@key_option
@value_option
async def update_namesrv_config(call: Call, key: str, value: str) -> None:
    """Change a setting of each name server."""
    update = server_settings.Update(call.admin.namesrv_addrs, key, value)
    await server_settings.change(call, "name server", update, call.admin.update_namesrv_config)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a key-value table; None where it was removed."""

    namespace: str
    key: str
    value: str | None


@verb(
    "updateKvConfig",
    example="updateKvConfig -n 127.0.0.1:9876 -s ORDER_TOPIC_CONFIG -k Orders -v broker-a:4",
    changes=True,
)
@namespace_option
@key_option
@value_option
async def update_kv_config(call: Call, namespace: str, key: str, value: str) -> None:
    """Set a value of a key-value table of the name servers."""
    if call.goes_ahead(f"set {key}={value} in {namespace}"):
        await call.admin.update_kv_config(namespace, key, value)
        done = "create or update kv config to namespace success."
        call.done(Entry(namespace, key, value), done)


@verb(
    "deleteKvConfig",
    example="deleteKvConfig -n 127.0.0.1:9876 -s ORDER_TOPIC_CONFIG -k Orders --yes",
    loses=True,
)
@namespace_option
@key_option
async def delete_kv_config(call: Call, namespace: str, key: str) -> None:
    """Remove a value of a key-value table of the name servers."""
    if call.confirmed(f"remove {key} from {namespace}", "its value is gone then"):
        await call.admin.delete_kv_config(namespace, key)
        call.done(Entry(namespace, key, None), "delete kv config from namespace success.")


@dataclass(frozen=True, slots=True)
class WritePerm:
    """What one name server said: for how many topics it changed a broker's permission."""

    broker_name: str
    namesrv_addr: str
    topics: int


@verb("wipeWritePerm", example="wipeWritePerm -n 127.0.0.1:9876 -b broker-a", changes=True)
@name_option
async def wipe_write_perm(call: Call, broker_name: str) -> None:
    """Let producers send no more to a broker; consumers go on. addWritePerm undoes it."""
    await _each_namesrv(call, "wipe", broker_name, call.admin.wipe_write_perm)


@verb("addWritePerm", example="addWritePerm -n 127.0.0.1:9876 -b broker-a", changes=True)
@name_option
async def add_write_perm(call: Call, broker_name: str) -> None:
    """Let producers send to a broker again, after wipeWritePerm."""
    await _each_namesrv(call, "add", broker_name, call.admin.add_write_perm)


async def _each_namesrv(
    call: Call, word: str, broker_name: str, change: Callable[[str, str], Awaitable[int]]
) -> None:
    addrs = call.admin.namesrv_addrs
    if not call.goes_ahead(f"{word} the write permission of {broker_name} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        what = f"{word} write perm of broker[{broker_name}] in name server[{addr}]"
        with call.tolerated(f"{what} Failed"):
            topics = await change(addr, broker_name)
            call.done(WritePerm(broker_name, addr, topics), f"{what} OK, {topics}")
