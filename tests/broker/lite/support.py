"""A broker in memory with lite topics, and clients that pop from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rmqwire.codec.bodies import (
    LiteSubscriptionCtlRequestBody,
    LiteSubscriptionDTO,
    SubscriptionGroupConfig,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    AckMessageRequestHeader,
    ChangeInvisibleTimeRequestHeader,
    PopLiteMessageRequestHeader,
)
from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import DEFAULT_RELEASE
from tests.broker.pop.support import PopBroker
from tests.support import requests

if TYPE_CHECKING:
    from rmqwire.codec.message import StoredMessage
    from rmqwire.testing.memory_files import MemoryFiles

PARENT, GROUP = "lt", "gl"


class LiteBroker(PopBroker):
    """A broker with the LITE topic ``lt`` and groups that consume its lite topics."""

    def __init__(self, files: MemoryFiles | None = None, **settings: Any) -> None:
        super().__init__(files, **({"enable_lmq": True, "enable_multi_dispatch": True} | settings))
        client = self.connect()
        client.call(
            requests.create_topic(PARENT, "+message.type=LITE,+lite.topic.expiration=30", queues=2)
        )
        for name, attributes in (
            (GROUP, {}),
            ("glx", {"lite.sub.model": "Exclusive"}),
            ("gw", {"lite.sub.wildcard": "true"}),
        ):
            if name not in self.state.groups.table:
                self.state.groups.table[name] = SubscriptionGroupConfig(
                    group_name=name, attributes={"lite.bind.topic": PARENT} | attributes
                )

    def turn(self) -> None:
        """Let every service do what is due now."""
        super().turn()
        self.state.lite.tick(is_master=True)
        self.state.store.puts.end_pass()

    def send(self, lite_topic: str, *bodies: str) -> None:
        """Send to a lite topic."""
        for body in bodies:
            properties = f"__LITE_TOPIC\x01{lite_topic}\x02"
            answer = self.connect().call(
                requests.send(PARENT, body.encode(), properties=properties)
            )
            assert answer.code == 0


class Connects(Protocol):
    """A broker in memory, or one of a process of its own."""

    def connect(self) -> Any:
        """Open a connection: its ``call`` sends a request and returns the answer."""


class LiteConsumer:
    """One client of a group."""

    def __init__(self, broker: Connects, client_id: str, group: str = GROUP) -> None:
        self.broker = broker
        self.client = broker.connect()
        self.client_id = client_id
        self.group = group

    def control(self, action: str | None, *names: str, **fields: Any) -> RemotingCommand:
        """Change what it subscribes."""
        change = LiteSubscriptionDTO(
            **(
                {
                    "action": action,
                    "client_id": self.client_id,
                    "group": self.group,
                    "topic": PARENT,
                    "lite_topic_set": list(names),
                }
                | fields
            )
        )
        body = LiteSubscriptionCtlRequestBody(subscription_set=[change])
        request = RemotingCommand.request(int(R.LITE_SUBSCRIPTION_CTL))
        request.body = body.encode(DEFAULT_RELEASE)
        return self.client.call(request)

    def add(self, *names: str, **fields: Any) -> RemotingCommand:
        """Subscribe some more."""
        return self.control("PARTIAL_ADD", *names, **fields)

    def request(self, **fields: Any) -> RemotingCommand:
        """Make a pop."""
        values = {
            "client_id": self.client_id,
            "consumer_group": self.group,
            "topic": PARENT,
            "max_msg_num": 32,
            "invisible_time": 10_000,
        } | fields
        return RemotingCommand.request(
            int(R.POP_LITE_MESSAGE), PopLiteMessageRequestHeader(**values)
        )

    def pop(self, **fields: Any) -> list[StoredMessage]:
        """Pop; give the messages with the handles that Apache's proxy would make."""
        return self.messages(self.client.call(self.request(**fields)))

    def bodies(self, **fields: Any) -> list[str]:
        """Pop; give what was sent."""
        return [message.body.decode() for message in self.pop(**fields)]

    def messages(self, answer: RemotingCommand) -> list[StoredMessage]:
        """Return the messages of an answer, with handles."""
        found = list(iter_messages(answer.body)) if answer.body else []
        for message in found:
            offset = int(message.properties["INNER_MULTI_QUEUE_OFFSET"])
            times = answer.ext_fields
            message.properties["POP_CK"] = (
                ExtraInfo(
                    offset,
                    int(times["popTime"]),
                    int(times["invisibleTime"]),
                    999,
                    "0",
                    "broker-a",
                    0,
                ).encode()
                + f" {offset}"
            )
        return found

    def _handle(self, message: StoredMessage) -> dict[str, Any]:
        return {
            "consumer_group": self.group,
            "topic": PARENT,
            "lite_topic": message.properties["__LITE_TOPIC"],
            "queue_id": 0,
            "offset": int(message.properties["INNER_MULTI_QUEUE_OFFSET"]),
            "extra_info": message.properties["POP_CK"],
        }

    def ack(self, message: StoredMessage, **fields: Any) -> RemotingCommand:
        """Acknowledge a message."""
        header = AckMessageRequestHeader(**(self._handle(message) | fields))
        return self.client.call(RemotingCommand.request(int(R.ACK_MESSAGE), header))

    def change(self, message: StoredMessage, invisible_ms: int, **fields: Any) -> RemotingCommand:
        """Change when a message comes again."""
        values = self._handle(message) | {"invisible_time": invisible_ms} | fields
        header = ChangeInvisibleTimeRequestHeader(**values)
        return self.client.call(
            RemotingCommand.request(int(R.CHANGE_MESSAGE_INVISIBLETIME), header)
        )
