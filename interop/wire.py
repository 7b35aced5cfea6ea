"""One request on a blocking socket: the tests' own view of a server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rmqwire.codec import RemotingCommand, decode_command, encode_command
from rmqwire.codec.bodies import TopicRouteData
from rmqwire.codec.codes import RequestCode, ResponseCode

_contexts: list[ssl.SSLContext | None] = [None]  # the last of them is spoken with; None: plainly


@contextmanager
def with_tls(context: ssl.SSLContext | None) -> Iterator[None]:
    """Let ``ask``, and all that is made of it, speak TLS meanwhile; None: let it speak plainly."""
    _contexts.append(context)
    try:
        yield
    finally:
        _contexts.pop()


def ask(addr: str, command: RemotingCommand, seconds: float = 5) -> RemotingCommand:
    """Send ``command`` to ``addr`` and give the first answer."""
    host, _, port = addr.rpartition(":")
    with ExitStack() as opened:
        connection = opened.enter_context(socket.create_connection((host, int(port)), seconds))
        context = _contexts[-1]
        if context is not None:
            connection = opened.enter_context(context.wrap_socket(connection))
        connection.sendall(encode_command(command))
        return decode_command(read_frame(connection))


def read_frame(connection: socket.socket) -> bytes:
    head = _read_exactly(connection, 4)
    return head + _read_exactly(connection, int.from_bytes(head, "big"))


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError(f"closed after {len(data)} of {count} bytes")
        data += piece
    return bytes(data)


def route_known(namesrv: str, topic: str) -> bool:
    """Return whether the name server has a route for ``topic``."""
    request = RemotingCommand(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": topic})
    return ask(namesrv, request).code == ResponseCode.SUCCESS


def registered(namesrv: str, name: str, addr: str) -> bool:
    """Return whether each name server of ``namesrv`` has the broker ``name`` at ``addr``."""
    request = RemotingCommand(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": name})
    for server in namesrv.split(";"):
        answer = ask(server, request)
        if answer.code != ResponseCode.SUCCESS:
            return False
        route = TopicRouteData.decode(bytes(answer.body))
        if not any(addr in broker.broker_addrs.values() for broker in route.broker_datas):
            return False
    return True


def broker_addr(namesrv: str, name: str) -> str:
    """Return the address of the master ``name``, as clients are told it."""
    answer = ask(namesrv, RemotingCommand(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": name}))
    route = TopicRouteData.decode(bytes(answer.body))
    return next(b.broker_addrs[0] for b in route.broker_datas if b.broker_name == name)


def max_offset(addr: str, topic: str, queue_id: int) -> int:
    """Ask a broker where a queue ends."""
    request = RemotingCommand(
        RequestCode.GET_MAX_OFFSET, {"topic": topic, "queueId": str(queue_id)}
    )
    answer = ask(addr, request)
    assert answer.code == ResponseCode.SUCCESS, answer.remark
    return int((answer.ext_fields or {})["offset"])
