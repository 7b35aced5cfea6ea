"""The ``tls.*`` keys of Java's ``TlsSystemConfig``, for a file of any server.

Java reads them from system properties and a file of its own. Who writes them into a configuration
wants TLS, and must not be served in plain.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import REFUSED, group

TLS: Final = (
    *group(
        REFUSED,
        "TLS is not there yet: the server would talk in plain",
        """
        tls.enable                   boolean  false       false
        tls.server.mode              String   permissive  permissive  permissive|disabled
        tls.server.certPath          String   -           -
        tls.server.keyPath           String   -           -
        tls.server.keyPassword       String   -           -
        tls.server.trustCertPath     String   -           -
        tls.server.authClient        boolean  false       false
        tls.server.need.client.auth  String   none        none
        tls.client.certPath          String   -           -
        tls.client.keyPath           String   -           -
        tls.client.keyPassword       String   -           -
        tls.client.trustCertPath     String   -           -
        tls.client.authServer        boolean  false       false
        tls.config.file              String   -           -
        tls.ciphers                  String   .           -
        tls.protocols                String   .           -
        tls.test.mode.enable         boolean  true        true
        """,
    ),
)
