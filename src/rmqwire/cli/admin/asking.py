"""What the verbs share: their options, and one question to one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rmqwire.admin.cluster import cluster_request
from rmqwire.cli.runner import Failure
from rmqwire.errors import RemotingError
from rmqwire.remoting.client import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.client import RemotingClient

TIMEOUT_MS = 5_000  # DefaultMQAdminExt.timeoutMillis

broker_option = click.option(
    "-b", "--brokerAddr", "broker_addr", metavar="ADDR", help="Which broker to ask."
)
namesrv_option = click.option(
    "-n",
    "--namesrvAddr",
    "namesrv_addr",
    metavar="ADDR",
    envvar="NAMESRV_ADDR",
    help="Name servers, host:port joined by ';'. Default: $NAMESRV_ADDR.",
)


def check_choice(broker_addr: str | None, cluster: str | None, namesrv_addr: str | None) -> None:
    """Check that a broker or a cluster is named, and a name server that knows the cluster.

    Raises:
        UsageError: it isn't.
    """
    if broker_addr is None and cluster is None:
        raise click.UsageError("Which one? -b ADDR or -c CLUSTER")
    if broker_addr is None and not namesrv_addr:
        raise click.UsageError("-c needs a name server: -n HOST:PORT, or NAMESRV_ADDR")


async def ask(client: RemotingClient, addr: str, request: RemotingCommand) -> RemotingCommand:
    """Return the answer to ``request``.

    Raises:
        BrokerError: it is a refusal.
        RemotingError: there is none.
    """
    return expect(await client.invoke(addr, request, TIMEOUT_MS), addr)


async def brokers_known(
    client: RemotingClient,
    namesrv_addr: str,
    cluster: str,
    choose: Callable[[bytes, str], list[str]],
) -> list[str]:
    """Return the brokers of a cluster as the first name server that answers knows them.

    Args:
        client: carries the question.
        namesrv_addr: ``host:port`` joined by ``;``.
        cluster: its name.
        choose: picks addresses from the answer's body.

    Raises:
        Failure: it knows none.
        RemotingError: no name server answers.
    """
    fault: RemotingError | None = None
    for addr in namesrv_addr.split(";"):
        try:
            answer = await ask(client, addr.strip(), cluster_request())
        except RemotingError as error:
            fault = error
            continue
        if found := choose(bytes(answer.body), cluster):
            return found
        raise Failure(f"{addr.strip()} knows no such broker of a cluster {cluster}")
    raise fault or Failure("no name server")
