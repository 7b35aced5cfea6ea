"""RegisterBrokerBody: all topics of a broker, as JSON or as a zlib stream.

The compressed form is a zlib stream (level 9) of big-endian, length-prefixed pieces::

    data version JSON          4-byte length, text
    topic count                4 bytes
      topic line               4-byte length, "name read write perm filterType[ attributes]"
    filter server list JSON    4-byte length, text
    mapping count              4 bytes    5.x only, and only when the peer is one
      mapping info JSON        4-byte length, text

Source: ``RegisterBrokerBody``, ``TopicConfig.encode/decode`` of both releases.
"""

import struct
import zlib
from typing import Final, Self

import msgspec
from msgspec import field

from rmqwire.codec import java_json
from rmqwire.codec.bodies.base import Body
from rmqwire.codec.bodies.common import DataVersion
from rmqwire.codec.bodies.static_topic import (
    TopicConfigAndMappingSerializeWrapper,
    TopicQueueMappingInfo,
)
from rmqwire.codec.bodies.topic import TopicConfig
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadBody

MAX_INFLATED: Final = 64 << 20  # bytes; 100,000 topics with attributes are about 10 MiB
V5_0_0: Final = 413  # MQVersion.V5_0_0: from here on mappings follow the filter servers
_ZLIB_MAGIC: Final = 0x78
_LENGTH = struct.Struct(">i")


class RegisterBrokerBody(Body):
    """What a broker registers: topics, static-topic mappings, filter servers."""

    topic_config_serialize_wrapper: TopicConfigAndMappingSerializeWrapper = field(
        default_factory=TopicConfigAndMappingSerializeWrapper
    )
    filter_server_list: list[str] = field(default_factory=list)

    @classmethod
    def decode(
        cls,
        data: bytes | bytearray | memoryview,
        release: Release = DEFAULT_RELEASE,
        *,
        compressed: bool = False,
        mq_version: int = DEFAULT_RELEASE.mq_version,
    ) -> Self:
        """Read either form.

        A 5.5.0 broker with ``compressedRegister=true`` sends the zlib form and says
        ``compressed=false``; a body that begins as zlib does is inflated whatever is said.

        Args:
            data: the request's body.
            release: whose reading rules hold.
            compressed: the header's word on it.
            mq_version: the sender's version; mappings follow from V5_0_0 on.

        Raises:
            BadBody: neither form, cut off, or inflating beyond ``MAX_INFLATED`` bytes.
        """
        if not compressed and bytes(data[:1]) != bytes([_ZLIB_MAGIC]):
            return super().decode(data, release)
        pieces = _Pieces(inflate(data, MAX_INFLATED))
        wrapper = TopicConfigAndMappingSerializeWrapper(
            data_version=DataVersion.decode(pieces.text(), release)
        )
        for _ in range(pieces.count()):
            topic = decode_topic_line(pieces.text())
            wrapper.topic_config_table[topic.topic_name] = topic
        servers = _texts(pieces.text())
        if mq_version >= V5_0_0 and pieces.left:
            for _ in range(pieces.count()):
                info = TopicQueueMappingInfo.decode(pieces.text(), release)
                wrapper.topic_queue_mapping_info_map[info.topic] = info
        return cls(topic_config_serialize_wrapper=wrapper, filter_server_list=servers)

    def encode_compressed(self, release: Release = DEFAULT_RELEASE) -> bytes:
        """Return the zlib form as a broker of that release sends it.

        Never send it to a 5.x name server: that one refuses it unless the flag is right.
        """
        wrapper = self.topic_config_serialize_wrapper
        topics = wrapper.topic_config_table.values()
        pieces = [_piece(wrapper.data_version.encode(release)), _LENGTH.pack(len(topics))]
        pieces += [_piece(encode_topic_line(topic, release)) for topic in topics]
        pieces.append(_piece(java_json.dumps(self.filter_server_list, release)))
        if release.wire.new_body_fields:
            mappings = wrapper.topic_queue_mapping_info_map.values()
            pieces.append(_LENGTH.pack(len(mappings)))
            pieces += [_piece(mapping.encode(release)) for mapping in mappings]
        return zlib.compress(b"".join(pieces), 9)


def encode_topic_line(topic: TopicConfig, release: Release = DEFAULT_RELEASE) -> bytes:
    """Return ``name read write perm filterType``, in 5.x with attributes (``TopicConfig.encode``)."""
    line = (
        f"{topic.topic_name} {topic.read_queue_nums} {topic.write_queue_nums}"
        f" {topic.perm} {topic.topic_filter_type}"
    ).encode()
    if release.wire.new_body_fields:
        line += b" " + java_json.dumps(topic.attributes, release)
    return line


def decode_topic_line(line: bytes) -> TopicConfig:
    """Read one topic line, with or without attributes.

    Raises:
        BadBody: fewer than five words, numbers that are none, attributes that are no table.
    """
    words = java_json.as_text(line).split(" ", 5)
    try:
        name, read, write, perm, kind = words[:5]
        attributes = java_json.loads(words[5]) if len(words) > 5 else {}
        return msgspec.convert(
            {
                "topicName": name,
                "readQueueNums": read,
                "writeQueueNums": write,
                "perm": perm,
                "topicFilterType": kind,
                "attributes": attributes,
            },
            TopicConfig,
            strict=False,
        )
    except (ValueError, msgspec.ValidationError) as error:
        raise BadBody(f"a topic line that can't be read: {error}") from None


def inflate(data: bytes | bytearray | memoryview, limit: int) -> bytes:
    """Inflate a zlib stream of at most ``limit`` bytes.

    Raises:
        BadBody: no zlib stream, one that is cut off, or one that grows beyond the limit.
    """
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, limit)
    except zlib.error as error:
        raise BadBody(f"not a zlib stream: {error}") from None
    if not inflater.eof:
        more = bool(inflater.unconsumed_tail)
        raise BadBody(f"inflates beyond {limit} bytes" if more else "a zlib stream that is cut off")
    return inflated


def _texts(data: bytes) -> list[str]:
    value = java_json.loads(data)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadBody("the filter server list is no list of text")
    return value


def _piece(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


class _Pieces:
    """Takes length-prefixed pieces off the front."""

    __slots__ = ("data", "pos")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.pos

    def count(self) -> int:
        return self._number(self.left // 4 - 1)  # each entry has its own length word

    def text(self) -> bytes:
        length = self._number(self.left - 4)
        start, self.pos = self.pos, self.pos + length
        return self.data[start : self.pos]

    def _number(self, limit: int) -> int:
        if self.left < 4:
            raise BadBody("a registration that is cut off", self.pos)
        (number,) = _LENGTH.unpack_from(self.data, self.pos)
        if not 0 <= number <= limit:
            raise BadBody(f"a length of {number} where at most {limit} can be", self.pos)
        self.pos += 4
        return int(number)
