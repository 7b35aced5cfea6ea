"""How a verb is made: its command, the options that all verbs share, and what it is called with.

A verb is an async function of a ``Call`` and its own options, under ``@verb(...)``.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NoReturn, ParamSpec, TypeVar

import click
import trio

from rmqwire.admin.admin import Admin
from rmqwire.cli.admin.printing import jsonable
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import say, warn
from rmqwire.cli.remote import remoting_client
from rmqwire.cli.runner import FAILED, Failure, Outcome, run
from rmqwire.errors import BrokerError, RemotingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

P = ParamSpec("P")
T = TypeVar("T")
Namesrv = Literal["needed", "optional", "own"]

broker_option = click.option(
    "-b", "--brokerAddr", "broker_addr", type=TEXT, metavar="ADDR", help="Which broker, host:port."
)
cluster_option = click.option(
    "-c", "--clusterName", "cluster", type=TEXT, metavar="NAME", help="The brokers of this cluster."
)
topic_option = click.option(
    "-t", "--topic", "topic", type=TEXT, required=True, metavar="NAME", help="Which topic."
)


key_option = click.option("-k", "--key", type=TEXT, required=True, help="Which key.")
value_option = click.option("-v", "--value", type=TEXT, required=True, help="Its value.")


def group_option(long_name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``-g``; mqadmin's verbs differ in its long name."""
    return click.option(
        "-g", long_name, "group", type=TEXT, required=True, metavar="NAME", help="Which group."
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that a broker has made, and whom it is about: a group, a user, an account."""

    broker: str
    whom: str


@dataclass(slots=True)
class Call:
    """One call of a verb: whom it asks, and how it shall tell.

    Args:
        admin: asks.
        outcome: the exit code.
        as_json: results are printed as JSON.
        dry_run: nothing is changed.
        yes: nothing is asked of the user.
    """

    admin: Admin
    outcome: Outcome
    as_json: bool = False
    dry_run: bool = False
    yes: bool = False

    def tell(
        self, results: Iterable[T], lines: Callable[[T], Iterable[str]], heading: Sequence[str] = ()
    ) -> None:
        """Print results: as mqadmin does, or each as one JSON object.

        Args:
            results: dataclasses, bodies or plain values.
            lines: those of one result.
            heading: the lines above them all.
        """
        if self.as_json:
            for one in results:
                say(json.dumps(jsonable(one)))
            return
        for line in heading:
            say(line)
        for one in results:
            for line in lines(one):
                say(line)

    def done(self, result: object, *lines: str) -> None:
        """Print one result: these lines, or the result as a JSON object."""
        self.tell([result], lambda _: lines)

    @contextmanager
    def tolerated(self, what: str, *, alone: bool = False) -> Iterator[None]:
        """Let the others go on where one server doesn't answer or refuses: a warning, and exit code 1.

        Args:
            what: begins the warning.
            alone: there are no others: the error goes on.
        """
        try:
            yield
        except (BrokerError, RemotingError) as error:
            if alone:
                raise
            warn(f"{what}: {error}")
            self.outcome.code = FAILED

    def goes_ahead(self, what: str) -> bool:
        """Return whether the change shall be made; with --dry-run say what it would be.

        Args:
            what: a verb and its object, ``delete topic T``.
        """
        if self.dry_run:
            say(f"would {what}")
        return not self.dry_run

    def confirmed(self, what: str, lost: str) -> bool:
        """Return whether a change shall be made that loses data: the user is asked.

        Args:
            what: a verb and its object.
            lost: what is gone then.

        Raises:
            UsageError: nobody is there to be asked, and --yes is not given.
            Failure: the user says no.
        """
        if not self.goes_ahead(what):
            return False
        if not self.yes:
            if not is_asked():
                raise click.UsageError(f"this would {what}: {lost}. Say --yes to do it")
            if not click.confirm(f"{what}: {lost}. Go on?", err=True):
                raise Failure("nothing was done")
        return True

    async def everywhere(self, broker_addr: str | None, cluster: str | None) -> list[str]:
        """Return the broker that -b names, or all of a cluster, or of every cluster."""
        if broker_addr is None and cluster is None and self.admin.namesrv_addrs:
            return await self.admin.brokers()
        return await self.addresses(broker_addr, cluster, slaves=True)

    async def addresses(
        self, broker_addr: str | None, cluster: str | None, *, slaves: bool = False
    ) -> list[str]:
        """Return the brokers that -b or -c name.

        Args:
            broker_addr: of one.
            cluster: of its masters.
            slaves: of its slaves too.

        Raises:
            UsageError: neither is given, or the cluster without a name server.
            Failure: there is no such cluster.
        """
        if broker_addr is not None:
            return [broker_addr]
        if cluster is None:
            raise click.UsageError("Which one? -b ADDR or -c CLUSTER")
        if not self.admin.namesrv_addrs:
            raise click.UsageError("-c needs a name server: -n HOST:PORT, or NAMESRV_ADDR")
        found = await (self.admin.brokers(cluster) if slaves else self.admin.masters(cluster))
        if not found:
            named = ";".join(self.admin.namesrv_addrs)
            raise Failure(f"{named} knows no such broker of a cluster {cluster}")
        return found


interval_option = click.option(
    "-i",
    "--interval",
    type=click.FloatRange(min=0.1),
    help="Print it again every so many seconds, until interrupted.",
)


async def repeated(interval: float | None, once: Callable[[], Awaitable[None]]) -> None:
    """Do something once; with an interval (s) again and again, until interrupted."""
    await once()
    while interval is not None:
        await trio.sleep(interval)
        await once()


def is_asked() -> bool:
    """Return whether somebody is there who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


class Verb(click.Command):
    """A command with the async function that it was made of.

    Attributes:
        job: called with a ``Call`` and the options.
    """

    job: Callable[..., Awaitable[None]]


def verb(
    name: str,
    *,
    example: str,
    namesrv: Namesrv = "needed",
    changes: bool = False,
    loses: bool = False,
) -> Callable[[Callable[Concatenate[Call, P], Awaitable[None]]], Verb]:
    """Make a command of an async function: ``call`` first, then its options.

    Args:
        name: mqadmin's spelling.
        example: a call that can be typed, without ``rmqwire admin``.
        namesrv: whether -n must be there; ``own``: the verb has an option of that name itself.
        changes: it changes something: there is --dry-run.
        loses: data is lost by it: there is --yes too.
    """

    def made(job: Callable[Concatenate[Call, P], Awaitable[None]]) -> Verb:
        @wraps(job)
        def command(**options: Any) -> NoReturn:  # noqa: ANN401  each verb's own
            shared: dict[str, bool] = {
                key: options.pop(key) for key in ("as_json", "dry_run", "yes") if key in options
            }
            namesrv_addr = "" if namesrv == "own" else options.pop("namesrv_addr") or ""
            if namesrv == "needed" and not namesrv_addr.strip():
                raise click.UsageError(
                    "No name server address, please set it: -n HOST:PORT, or NAMESRV_ADDR"
                )
            raise SystemExit(run(partial(carry_out, job, namesrv_addr, shared, options)))

        found = click.command(name, cls=Verb, epilog=f"Example: rmqwire admin {example}")(command)
        found.job = job
        found.params += _shared_options(namesrv, changes=changes, loses=loses)
        return found

    return made


async def carry_out(
    job: Callable[..., Awaitable[None]],
    namesrv_addr: str,
    shared: dict[str, bool],
    options: dict[str, object],
    outcome: Outcome,
) -> None:
    """Call a verb.

    Args:
        job: its function.
        namesrv_addr: name servers, ``host:port`` joined by ``;``, or nothing.
        shared: fields of ``Call``.
        options: its own.
        outcome: takes the exit code.
    """
    async with remoting_client() as client:
        await job(Call(Admin(client, namesrv_addr), outcome, **shared), **options)


def _shared_options(namesrv: Namesrv, *, changes: bool, loses: bool) -> list[click.Parameter]:
    options: list[click.Parameter] = []
    if namesrv != "own":
        options.append(
            click.Option(
                ["-n", "--namesrvAddr", "namesrv_addr"],
                type=TEXT,
                metavar="ADDR",
                envvar="NAMESRV_ADDR",
                help="Name servers, host:port joined by ';'. Default: $NAMESRV_ADDR.",
            )
        )
    options.append(
        click.Option(["--json", "as_json"], is_flag=True, help="One JSON object per result.")
    )
    if changes or loses:
        options.append(
            click.Option(
                ["--dry-run"], is_flag=True, help="Say what would be done, and do nothing."
            )
        )
    if loses:
        options.append(
            click.Option(["--yes"], is_flag=True, help="Do it without asking whether to go on.")
        )
    return options
