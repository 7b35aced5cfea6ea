"""Headers about filter servers (4.9). Written by ``tools/gen_headers.py``."""

from __future__ import annotations

from msgspec import field

from rmqwire.codec.headers.base import Header, Int, Long


class RegisterFilterServerRequestHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 4.9.7."""

    filter_server_addr: str


class RegisterFilterServerResponseHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 4.9.7."""

    broker_name: str
    broker_id: Long = 0


class RegisterMessageFilterClassRequestHeader(Header, kw_only=True):
    """Declared by RocketMQ without a request of its own. Only 4.9.7."""

    consumer_group: str
    topic: str
    class_name: str
    class_crc: Int = field(name="classCRC")
