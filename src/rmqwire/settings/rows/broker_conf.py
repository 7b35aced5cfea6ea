"""The one table of ``broker.conf`` keys: every key of Java's five config classes and of ours.

Each key is one of four kinds. *Honoured*: code reads it. *Meaningless*: it has no counterpart
here, for the reason given. *Not yet*: its feature isn't there; one warning when it's set to
something other than its default. *Refused*: going on would be dangerous (a broker that was meant
to be protected would run open, data in other folders would be missed), so the broker doesn't
start. ``docs/reference/broker-conf.md`` is this table, printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.settings.key import HONOURED, ConfigKey, group
from rmqwire.settings.rows.broker_config import BROKER_CONFIG
from rmqwire.settings.rows.message_store_config import MESSAGE_STORE_CONFIG
from rmqwire.settings.rows.other_configs import (
    AUTH_CONFIG,
    NETTY_CLIENT_CONFIG,
    NETTY_SERVER_CONFIG,
)
from rmqwire.settings.rows.tls import TLS

if TYPE_CHECKING:
    from collections.abc import Mapping

RMQWIRE_CONFIG: Final = (
    *group(
        HONOURED,
        "chooses the column wherever releases differ; a key of rmqwire's own",
        """
        rocketmqVersion  String  5.5.0  5.5.0  4.9.7|5.5.0|5.5.1
        """,
    ),
    *group(
        HONOURED,
        "a slave reports only what is on its disk; a key of rmqwire's own",
        """
        haAckAfterFlush  boolean  false  false
        """,
    ),
    *group(
        HONOURED,
        "what a slave does when its log and its master's differ: stop and say so, or truncate: save "
        "what only it has in storePathRootDir/diverged, cut it and follow; a key of rmqwire's own",
        """
        haDivergencePolicy  String  stop  stop  stop|truncate
        """,
    ),
    *group(
        HONOURED,
        "TLS on the replication link, between rmqwire nodes only: disabled, permissive (a master "
        "takes both, a slave speaks plain) or enforcing; never against a Java master, which takes "
        "the handshake for a report; a key of rmqwire's own",
        """
        haTlsMode  String  disabled  disabled  disabled|permissive|enforcing
        """,
    ),
    *group(
        HONOURED,
        "for haTlsMode: this node's certificate and key, the certificate that signed those of all "
        "nodes, and whether a master wants its slaves' too; keys of rmqwire's own",
        """
        haTlsCertPath        String   -      -      <path>
        haTlsKeyPath         String   -      -      <path>
        haTlsTrustCertPath   String   -      -      <path>
        haTlsNeedClientAuth  boolean  false  false
        """,
    ),
    *group(
        HONOURED,
        "ms between two syncs of a slave's tables, 0 for the release's; a key of rmqwire's own",
        """
        slaveSyncInterval  int  0  0  0..
        """,
    ),
    *group(
        HONOURED,
        "what to do with a commit log that is damaged below what was on the disk: refuse to start, "
        "serve it readonly, or cut it there as java does; a key of rmqwire's own",
        """
        corruptionPolicy  String  refuse  refuse  refuse|readonly|java
        """,
    ),
    *group(
        HONOURED,
        "where fetchNamesrvAddrByAddressServer asks: http://DOMAIN[:8080]/rocketmq/SUBGROUP",
        """
        rmqAddressServerDomain    String  jmenv.tbsite.net  jmenv.tbsite.net  <text>
        rmqAddressServerSubGroup  String  nsaddr            nsaddr            <text>
        """,
    ),
)

SECTIONS: Final[Mapping[str, tuple[ConfigKey, ...]]] = {
    "BrokerConfig": BROKER_CONFIG,
    "MessageStoreConfig": MESSAGE_STORE_CONFIG,
    "AuthConfig": AUTH_CONFIG,
    "NettyServerConfig": NETTY_SERVER_CONFIG,
    "NettyClientConfig": NETTY_CLIENT_CONFIG,
    "TLS": TLS,
    "rmqwire": RMQWIRE_CONFIG,
}
KEYS: Final[Mapping[str, ConfigKey]] = {
    key.name: key for section in SECTIONS.values() for key in section
}
