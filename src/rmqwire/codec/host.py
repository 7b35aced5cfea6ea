"""Host fields of records and ids: an IP address of 4 or 16 bytes and a port of 4 bytes."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from struct import Struct

from rmqwire.errors import ProtocolError

V4_SIZE = 8  # bytes
V6_SIZE = 20  # bytes
_PORT = Struct(">i")


@lru_cache(maxsize=1024)
def pack_host(ip: str, port: int) -> bytes:
    """Write a host as records hold it: 8 bytes for IPv4, 20 for IPv6 (a zone id is cut off).

    Raises:
        ProtocolError: ``ip`` is no address, or the port doesn't fit four signed bytes.
    """
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        raise ProtocolError(f"{ip!r} is no IP address") from None
    if not -0x80000000 <= port <= 0x7FFFFFFF:
        raise ProtocolError(f"port {port} doesn't fit four bytes")
    return address.packed + _PORT.pack(port)


def pack_address(address: str) -> bytes:
    """Return ``ip:port`` as RocketMQ packs it: 4 or 16 bytes of IP, 4 of port; zeros when it is no IP."""
    host, _, port = address.rpartition(":")
    try:
        ip = ip_address(host.strip("[]").partition("%")[0])
        number = int(port)
    except ValueError:
        return bytes(8)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.packed + (number & 0xFFFFFFFF).to_bytes(4, "big")


@lru_cache(maxsize=1024)
def unpack_host(data: bytes) -> tuple[str, int]:
    """Read a host of 8 or 20 bytes into address and port. IPv6 comes in its short form.

    Raises:
        ProtocolError: another length.
    """
    if len(data) == V4_SIZE:
        return f"{data[0]}.{data[1]}.{data[2]}.{data[3]}", _PORT.unpack_from(data, 4)[0]
    if len(data) == V6_SIZE:
        return str(ip_address(data[:16])), _PORT.unpack_from(data, 16)[0]
    raise ProtocolError(f"a host has 8 or 20 bytes, not {len(data)}")


def format_host(host: tuple[str, int]) -> str:
    """Write a host for people: ``127.0.0.1:10911`` or ``[::1]:10911``."""
    ip, port = host
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def host_text(host: tuple[str, int]) -> str:
    """Return an address as ``RemotingHelper.parseSocketAddressAddr`` does: IPv6 in its long form."""
    ip, port = host
    address = ip_address(ip)
    if address.version == 4:
        return f"{ip}:{port}"
    groups = (f"{int(group, 16):x}" for group in address.exploded.split(":"))
    return f"[{':'.join(groups)}]:{port}"
