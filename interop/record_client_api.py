"""Record what Java's client classes offer: their public methods, read from the jars' class files.

    python -m interop.record_client_api FOLDER_OF_JARS > tests/data/java/client_api-5.5.0.json

No Java runs. ``tests/client/test_java_api.py`` compares the list with ours, so that nothing is missing
unseen.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from struct import Struct
from zipfile import ZipFile

PACKAGE = "org/apache/rocketmq"
CLASSES = (
    "client/ClientConfig",
    "client/MQAdmin",
    "client/producer/DefaultMQProducer",
    "client/producer/TransactionMQProducer",
    "client/consumer/DefaultMQPushConsumer",
    "client/consumer/DefaultLitePullConsumer",
    "client/consumer/DefaultMQPullConsumer",
    "client/consumer/MQPullConsumerScheduleService",
    "tools/admin/DefaultMQAdminExt",
    "common/message/Message",
    "common/message/MessageExt",
    "common/message/MessageQueue",
    "client/QueryResult",
    "client/producer/SendResult",
    "client/producer/TransactionSendResult",
    "client/consumer/PullResult",
    "client/consumer/PullTaskContext",
    "client/consumer/listener/ConsumeConcurrentlyContext",
    "client/consumer/listener/ConsumeOrderlyContext",
)
PUBLIC, BRIDGE, SYNTHETIC = 0x1, 0x40, 0x1000
UTF8, LONG, DOUBLE = 1, 5, 6
SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4}
PRIMITIVES = {
    "B": "byte", "C": "char", "D": "double", "F": "float", "I": "int", "J": "long", "S": "short",
    "Z": "boolean", "V": "void",
}  # fmt: skip
U2, U4 = Struct(">H"), Struct(">I")


class ClassFile:
    """The part of a class file up to its methods.

    Args:
        data: the file.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 8
        self._texts: dict[int, str] = {}
        self._constants()
        self._at += 6
        interfaces = self._u2()
        self._at += 2 * interfaces
        self._members()  # fields
        self.methods = self._members()

    def _u2(self) -> int:
        (value,) = U2.unpack_from(self._data, self._at)
        self._at += 2
        return int(value)

    def _constants(self) -> None:
        count, index = self._u2(), 1
        while index < count:
            tag = self._data[self._at]
            self._at += 1
            if tag == UTF8:
                size = self._u2()
                self._texts[index] = self._data[self._at : self._at + size].decode(
                    "utf-8", "replace"
                )
                self._at += size
            else:
                self._at += SIZES[tag]
            index += 2 if tag in {LONG, DOUBLE} else 1

    def _members(self) -> list[tuple[int, str, str]]:
        """Return (access flags, name, descriptor) of each field or method."""
        found = []
        for _ in range(self._u2()):
            flags, name, descriptor = self._u2(), self._u2(), self._u2()
            found.append((flags, self._texts[name], self._texts[descriptor]))
            for _ in range(self._u2()):
                (size,) = U4.unpack_from(self._data, self._at + 2)
                self._at += 6 + size
        return found


def type_name(descriptor: str) -> str:
    """Return a type as source text has it, without its package."""
    name = descriptor.lstrip("[")
    word = PRIMITIVES.get(name) or re.split(r"[/$]", name[1:-1])[-1]
    return word + "[]" * (len(descriptor) - len(name))


def signature(name: str, descriptor: str) -> str:
    """Return a method as ``name(type, type)``."""
    arguments = re.findall(r"\[*(?:L[^;]+;|[BCDFIJSZ])", descriptor.partition(")")[0][1:])
    return f"{name}({', '.join(map(type_name, arguments))})"


def public_methods(data: bytes) -> list[str]:
    """Return the public methods of a class, sorted."""
    return sorted(
        signature(name, descriptor)
        for flags, name, descriptor in ClassFile(data).methods
        if flags & PUBLIC and not flags & (BRIDGE | SYNTHETIC) and not name.startswith("<")
    )


def main(folder: str) -> None:
    """Print the methods of all classes."""
    found = {}
    for name in CLASSES:
        module = name.partition("/")[0]
        (jar,) = Path(folder).glob(f"rocketmq-{module}-[0-9]*.jar")
        with ZipFile(jar) as archive:
            found[name.rpartition("/")[2]] = public_methods(archive.read(f"{PACKAGE}/{name}.class"))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
