"""The ``tls.*`` keys of Java's ``TlsSystemConfig``, for a file of any server and for clients.

Java reads them from system properties and from a file of their own, ``tls.config.file``; here they may
stand in the server's file and in the environment as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.settings.key import HONOURED, ConfigKey, group

if TYPE_CHECKING:
    from collections.abc import Mapping

TLS: Final = (
    *group(
        HONOURED,
        "read at the start; what TLS needs is checked there",
        """
        tls.server.mode              String   permissive  permissive  disabled|permissive|enforcing
        tls.server.certPath          String   -           -           <path>
        tls.server.keyPath           String   -           -           <path>
        tls.server.keyPassword       String   -           -           <text>
        tls.server.trustCertPath     String   -           -           <path>
        tls.server.need.client.auth  String   none        none        none|optional|require
        tls.client.certPath          String   -           -           <path>
        tls.client.keyPath           String   -           -           <path>
        tls.client.keyPassword       String   -           -           <text>
        tls.client.trustCertPath     String   -           -           <path>
        """,
    ),
    *group(
        HONOURED,
        "whether the other side's certificate is checked; where this isn't said, it is if a "
        "trustCertPath is",
        """
        tls.server.authClient        boolean  false       false
        tls.client.authServer        boolean  false       false
        """,
    ),
    *group(
        HONOURED,
        "whether clients speak TLS, and a server where it is one itself; where this isn't said, a "
        "server does if its own mode is enforcing",
        """
        tls.enable                   boolean  false       false
        """,
    ),
    *group(
        HONOURED,
        "a file with keys of this table, which win over those of other places, as in Java; but for "
        "tls.server.mode and tls.enable",
        """
        tls.config.file  String  /etc/rocketmq/tls.properties  /etc/rocketmq/tls.properties  <path>
        """,
    ),
    *group(
        HONOURED,
        "TLSv1.2, TLSv1.3 or both with a comma between; nothing older is spoken here",
        """
        tls.protocols  String  .  -  TLSv1.2|TLSv1.3|TLSv1.2,TLSv1.3|TLSv1.3,TLSv1.2
        """,
    ),
    *group(
        HONOURED,
        "Java makes a certificate up at the start then, ignores the files that are named, and believes "
        "everybody; not here: leave it out and name certificates",
        """
        tls.test.mode.enable  boolean  true  true
        """,
    ),
    *group(
        HONOURED,
        "ciphers that are offered, with a comma between, under Java's names or OpenSSL's; of those of TLS 1.3 all "
        "or none. Without any of TLS 1.2 only 1.3 is spoken, and the other way round",
        """
        tls.ciphers  String  .  -  <text>
        """,
    ),
)
KEYS: Final[Mapping[str, ConfigKey]] = {key.name: key for key in TLS}
