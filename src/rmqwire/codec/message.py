"""Messages as values: what a producer sends and what a store holds.

``Message`` is Java's ``Message``, ``StoredMessage`` its ``MessageExt``. Properties keep the order
in which they were set or read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rmqwire.codec import message_const as const
from rmqwire.codec.compression import DEFAULT_LIMIT, decompress
from rmqwire.codec.message_id import encode_offset_id
from rmqwire.codec.sys_flag import COMPRESSED_FLAG
from rmqwire.errors import UsageError

MESSAGE_MAGIC_V1 = -626843481  # 0xDAA320A7
MESSAGE_MAGIC_V2 = -626843477  # 0xDAA320AB, two-byte topic length, 5.x
BLANK_MAGIC = -875286124  # 0xCBD43194, rest of a full file

NO_PRIORITY = -1
_WAIT = const.PROPERTY_WAIT_STORE_MSG_OK


class NamedProperties:
    """Named access to the well-known properties."""

    __slots__ = ()
    properties: dict[str, str]

    @property
    def tags(self) -> str | None:
        """TAGS: what consumers filter on."""
        return self.properties.get(const.PROPERTY_TAGS)

    @property
    def keys(self) -> str | None:
        """KEYS: blank-separated keys that the index finds the message by."""
        return self.properties.get(const.PROPERTY_KEYS)

    @property
    def unique_key(self) -> str | None:
        """UNIQ_KEY: the id that the producing client gave the message."""
        return self.properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)

    @property
    def delay_time_level(self) -> int:
        """DELAY: level of the delayed delivery, 0 for none."""
        text = self.properties.get(const.PROPERTY_DELAY_TIME_LEVEL, "0")
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def priority(self) -> int:
        """_SYS_MSG_PRIORITY_: of a priority topic (5.x), higher comes first; -1 without one."""
        text = self.properties.get(const.PROPERTY_PRIORITY, "")
        return int(text) if text.isascii() and text.isdigit() else NO_PRIORITY

    @property
    def lite_topic(self) -> str | None:
        """__LITE_TOPIC: the lite topic below a topic of that kind (5.5)."""
        return self.properties.get(const.PROPERTY_LITE_TOPIC)

    @property
    def wait_store_msg_ok(self) -> bool:
        """WAIT: whether the broker answers only after the flush and the slaves it is set to."""
        return self.properties.get(const.PROPERTY_WAIT_STORE_MSG_OK, "true").lower() == "true"


class Message(NamedProperties):
    """One message to send (Java ``Message``).

    Args:
        topic: where to.
        body: the payload; compression is the producer's business.
        tags: one tag, for the consumers' filter.
        keys: one key, or several, to query the message by.
        flag: a number for the application's own use, 32 bits.
        properties: user properties; must not use RocketMQ's own names.
        delay_time_level: 1 to 18, 0 for at once.
        delay_time_sec: seconds from now until it is delivered (5.x); None for at once.
        delay_time_ms: the same in ms.
        deliver_time_ms: when it is delivered, ms since the epoch (5.x); None for at once.
        priority: from 0, the number of its queue (5.5); those that pop a topic of the type
            PRIORITY get the highest first. None for none.
        wait_store_msg_ok: see the property of that name; always sent, as Java does.
        lite_topic: which lite topic of a topic of that kind (5.5); None for none.

    Raises:
        UsageError: the priority is negative, or a property can't be.
    """

    __slots__ = ("body", "flag", "properties", "topic", "transaction_id")

    def __init__(  # noqa: PLR0913 - one for each property that has a name
        self,
        topic: str,
        body: bytes = b"",
        tags: str | None = None,
        keys: str | list[str] | tuple[str, ...] | None = None,
        flag: int = 0,
        *,
        properties: dict[str, str] | None = None,
        delay_time_level: int = 0,
        delay_time_sec: int | None = None,
        delay_time_ms: int | None = None,
        deliver_time_ms: int | None = None,
        priority: int | None = None,
        wait_store_msg_ok: bool = True,
        lite_topic: str | None = None,
    ) -> None:
        if priority is not None and priority < 0:
            raise UsageError("The priority must be greater than or equal to 0")
        self.topic = topic
        self.body = body
        self.flag = flag
        self.transaction_id: str | None = None
        own: dict[str, str] = {}
        self.properties = own
        if tags:
            own[const.PROPERTY_TAGS] = tags
        if keys:
            joined = keys if isinstance(keys, str) else const.KEY_SEPARATOR.join(keys)
            own[const.PROPERTY_KEYS] = joined
        own[_WAIT] = "true" if wait_store_msg_ok else "false"
        if delay_time_level:
            own[const.PROPERTY_DELAY_TIME_LEVEL] = str(delay_time_level)
        soon = delay_time_sec is delay_time_ms is deliver_time_ms is None
        if not (soon and priority is None and lite_topic is None):
            for name, told in (
                (const.PROPERTY_TIMER_DELAY_SEC, delay_time_sec),
                (const.PROPERTY_TIMER_DELAY_MS, delay_time_ms),
                (const.PROPERTY_TIMER_DELIVER_MS, deliver_time_ms),
                (const.PROPERTY_PRIORITY, priority),
                (const.PROPERTY_LITE_TOPIC, lite_topic),
            ):
                if told is not None:
                    own[name] = str(told)
        if properties:
            for name, value in properties.items():
                self.put_user_property(name, value)

    def put_user_property(self, name: str, value: str) -> None:
        """Set a property of the application.

        Raises:
            UsageError: the name is RocketMQ's own, or name or value is blank.
        """
        if name in const.RESERVED_PROPERTIES:
            raise UsageError(f"the property {name!r} is used by the system, choose another name")
        if not name.strip() or not value.strip():
            raise UsageError(f"name and value of a property can't be blank: {name!r}={value!r}")
        self.properties[name] = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (
            self.topic == other.topic
            and self.flag == other.flag
            and self.body == other.body
            and self.properties == other.properties
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, as every value with __eq__ here

    def __repr__(self) -> str:
        return (
            f"Message(topic={self.topic!r}, flag={self.flag}, properties={self.properties!r}, "
            f"body={len(self.body)} bytes)"
        )


@dataclass(slots=True)
class StoredMessage(NamedProperties):
    """One record of a commit log, decoded (Java ``MessageExt``).

    Times are ms since the epoch, hosts (ip, port), ``body`` is as stored: see
    ``decompressed_body``. A decoded message remembers its bytes, so that it encodes to the same
    ones as long as nothing is changed.
    """

    topic: str
    body: bytes = b""
    properties: dict[str, str] = field(default_factory=dict)
    queue_id: int = 0
    flag: int = 0
    queue_offset: int = 0
    physical_offset: int = 0
    sys_flag: int = 0
    born_timestamp: int = 0
    born_host: tuple[str, int] = ("127.0.0.1", 0)
    store_timestamp: int = 0
    store_host: tuple[str, int] = ("127.0.0.1", 0)
    reconsume_times: int = 0
    prepared_transaction_offset: int = 0
    body_crc: int = 0
    magic: int = MESSAGE_MAGIC_V1
    total_size: int = 0
    record: bytes = field(default=b"", repr=False, compare=False)

    @property
    def message_id(self) -> str:
        """The offset message id: store host and physical offset in hex."""
        return encode_offset_id(*self.store_host, self.physical_offset)

    @property
    def is_compressed(self) -> bool:
        """Whether ``body`` is compressed."""
        return bool(self.sys_flag & COMPRESSED_FLAG)

    def decompressed_body(self, limit: int = DEFAULT_LIMIT) -> bytes:
        """Return the body as the producer made it, at most ``limit`` bytes.

        Raises:
            BadBody: compressed in an unknown way, damaged, or larger than the limit.
        """
        return decompress(self.body, self.sys_flag, limit)
