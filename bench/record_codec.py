"""Cost of the record codec in microseconds per message: ``python -m bench record_codec``.

Variants: append (hot path of a send), decode (client), peek (dispatch), check (recovery with CRCs).
"""

from __future__ import annotations

from timeit import repeat

from rmqwire.codec.properties import decode_properties, find_property
from rmqwire.codec.record import (
    append_record,
    check_record,
    decode_message,
    pack_host,
    read_position,
)

BODY = b"x" * 1024
PROPERTIES = (
    b"KEYS\x01k\x02TAGS\x01a\x02WAIT\x01true\x02UNIQ_KEY\x017F0000014C185FFD2B27678DFA7E0000\x02"
)
HOST = pack_host("127.0.0.1", 10911)
ROUNDS = 20_000


def append(buffer: bytearray) -> None:
    buffer.clear()
    append_record(
        buffer,
        topic=b"TopicTest",
        body=BODY,
        properties=PROPERTIES,
        queue_id=1,
        flag=0,
        queue_offset=1,
        physical_offset=1,
        sys_flag=0,
        born_timestamp=1,
        born_host=HOST,
        store_timestamp=1,
        store_host=HOST,
        reconsume_times=0,
        prepared_transaction_offset=0,
    )


def main() -> None:
    buffer = bytearray()
    append(buffer)
    record = bytes(buffer)
    for name, call in {
        "append_record": lambda: append(buffer),
        "decode_message": lambda: decode_message(record),
        "read_position": lambda: read_position(record),
        "check_record": lambda: check_record(record),
        "decode_properties": lambda: decode_properties(PROPERTIES),
        "find_property": lambda: find_property(PROPERTIES, b"TAGS"),
    }.items():
        best = min(repeat(call, number=ROUNDS, repeat=3)) / ROUNDS
        print(f"{name:18} {best * 1e6:6.2f} us")


if __name__ == "__main__":
    main()
