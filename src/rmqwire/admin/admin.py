"""Ask and change a cluster, Java's or ours (Java ``DefaultMQAdminExt``): one method, one result."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rmqwire.admin.acl import AclVerbs
from rmqwire.admin.auth import AuthVerbs
from rmqwire.admin.beyond_verbs import BeyondVerbs
from rmqwire.admin.cluster import ClusterVerbs
from rmqwire.admin.cold_data import ColdDataVerbs
from rmqwire.admin.controller import ControllerVerbs
from rmqwire.admin.dead_letter import DeadLetterVerbs
from rmqwire.admin.drain import DrainVerbs
from rmqwire.admin.export import ExportVerbs
from rmqwire.admin.ha import HaVerbs
from rmqwire.admin.lite import LiteVerbs
from rmqwire.admin.message_push import MessagePushVerbs
from rmqwire.admin.message_trace import MessageTraceVerbs
from rmqwire.admin.monitor import MonitorVerbs
from rmqwire.admin.namesrv import NamesrvVerbs
from rmqwire.admin.purge import PurgeVerbs
from rmqwire.admin.queue import QueueVerbs
from rmqwire.admin.topic import TopicVerbs
from rmqwire.auth.signature import signing_hooks
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.remoting.client import RemotingClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rmqwire.auth.credentials import Credentials
    from rmqwire.codec.release import Release
    from rmqwire.settings.tls import ClientTls


class Admin(
    BeyondVerbs,
    ExportVerbs,
    ClusterVerbs,
    HaVerbs,
    DrainVerbs,
    PurgeVerbs,
    MonitorVerbs,
    QueueVerbs,
    LiteVerbs,
    ColdDataVerbs,
    AclVerbs,
    AuthVerbs,
    DeadLetterVerbs,
    MessageTraceVerbs,
    MessagePushVerbs,
    TopicVerbs,
    NamesrvVerbs,
    ControllerVerbs,
):
    """Calls to the name servers and brokers of a cluster: mqadmin's verbs as methods.

    A method is named as its verb in snake_case: ``topicRoute`` is ``topic_route``. What a verb does
    at several brokers takes the address of one here; ``masters`` and ``brokers`` name them.

    Args:
        remoting: carries the requests; opened and closed by the caller.
        namesrv_addr: name servers, ``host:port`` joined by ``;``. Empty: only what is asked of a
            broker's address can be asked.
        release: as which release of RocketMQ to ask.

    All methods raise ``RemotingError`` when a server can't be reached or doesn't answer, and the
    ``BrokerError`` of the code that it refuses with.
    """


@asynccontextmanager
async def open_admin(
    namesrv_addr: str = "",
    *,
    credentials: Credentials | None = None,
    tls: ClientTls | None = None,
    release: Release = DEFAULT_RELEASE,
) -> AsyncGenerator[Admin]:
    """Open an ``Admin`` with connections of its own, closed with the block.

    Args:
        namesrv_addr: name servers, ``host:port`` joined by ``;``.
        credentials: what requests are signed with; None: they aren't.
        tls: how to speak TLS; None: not at all.
        release: as which release of RocketMQ to ask.

    Raises:
        UsageError: a name server that is no ``host:port``.
    """
    async with RemotingClient(tls=tls, hooks=signing_hooks(credentials)) as remoting:
        yield Admin(remoting, namesrv_addr, release)
