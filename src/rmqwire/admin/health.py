"""Whether a server answers: a question that every release of it knows, and what counts as well."""

from __future__ import annotations

from typing import Final

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand

# The codes of a server that serves: access control answers too.
HEALTHY: Final = frozenset((int(ResponseCode.SUCCESS), int(ResponseCode.NO_PERMISSION)))


def health_request(*, broker: bool) -> RemotingCommand:
    """Ask a broker for its figures, a name server for its settings."""
    code = RequestCode.GET_BROKER_RUNTIME_INFO if broker else RequestCode.GET_NAMESRV_CONFIG
    return RemotingCommand.request(int(code))
