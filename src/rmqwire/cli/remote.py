"""Connections of the tools to servers."""

from __future__ import annotations

import os

from rmqwire.auth.signature import signing_hooks
from rmqwire.cli.credentials import found_credentials
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.remoting.client import RemotingClient
from rmqwire.settings.tls import client_tls


def remoting_client() -> RemotingClient:
    """Return what carries requests: with TLS where ``RMQWIRE_TLS_ENABLE`` says so, signed if it can be.

    Raises:
        ConfigError: what the environment or ``tls.properties`` says can't be used.
    """
    return RemotingClient(
        tls=client_tls(os.environ, DEFAULT_RELEASE), hooks=signing_hooks(found_credentials())
    )
