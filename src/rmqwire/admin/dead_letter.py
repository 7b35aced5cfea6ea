"""``resendDLQ``, a verb of our own: dead letters of a group sent to their topics again.

A letter that is sent again has a property that names the letter, ``RESENT_DEAD_LETTER``, and keeps its
unique key. Before one is sent, its topic is asked for a message of that key and property: what an earlier
run has sent, or one that was interrupted and never heard the answer, is not sent again. Nothing is kept
anywhere else, so it doesn't matter who goes on, or from where.

The topic's index answers that. A broker without one (``messageIndexEnable=false``) knows nothing, a
message sent again that was removed since is forgotten, and two runs at the same time see each other only
by luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rmqwire.admin.message_pull import PULL_NUMS
from rmqwire.admin.message_query import MessageQueryVerbs
from rmqwire.admin.message_text import words_of
from rmqwire.client.requests import OutgoingMessage, SendShape
from rmqwire.clock import wall_ms
from rmqwire.codec import message_const as const
from rmqwire.codec.allocation import publish_queues
from rmqwire.codec.properties import encode_properties
from rmqwire.codec.sys_flag import (
    COMPRESSED_FLAG,
    COMPRESSION_TYPE_COMPARATOR,
    PERM_READ,
)
from rmqwire.errors import RouteNotFound, UsageError
from rmqwire.producer.results import send_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import TopicRouteData
    from rmqwire.producer.results import SendResult

RESENT: Final = "RESENT_DEAD_LETTER"
GROUP: Final = "TOOLS_PRODUCER"
SEND_TIMEOUT_MS: Final = 3_000
KEPT: Final = frozenset(  # of the properties that are RocketMQ's own
    {
        const.PROPERTY_KEYS,
        const.PROPERTY_TAGS,
        const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX,
        const.PROPERTY_SHARDING_KEY,
        const.PROPERTY_BUYER_ID,
        const.PROPERTY_INSTANCE_ID,
    }
)
Outcome = Literal["RESENT", "ALREADY_RESENT", "WOULD_RESEND", "NO_ORIGIN"]
SENT: Final = frozenset(("RESENT", "WOULD_RESEND"))


@dataclass(frozen=True, slots=True)
class Resending:
    """What became of one dead letter.

    Args:
        letter: it.
        topic: where it came from, None when it doesn't say.
        outcome: NO_ORIGIN: its topic isn't known, or isn't there any more.
        result: of the send, None without one.
    """

    letter: MessageExt
    topic: str | None
    outcome: Outcome
    result: SendResult | None = None


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """Which dead letters.

    Args:
        count: so many at most; None: all.
        begin_ms: that died at this time or later, ms since the epoch.
        end_ms: that died before this time.
        key: that have this key, or this unique key.
    """

    count: int | None = None
    begin_ms: int | None = None
    end_ms: int | None = None
    key: str | None = None

    def takes(self, letter: MessageExt) -> bool:
        """Return whether a letter is one of them, whatever the count."""
        died = letter.store_timestamp
        return (
            (self.begin_ms is None or died >= self.begin_ms)
            and (self.end_ms is None or died < self.end_ms)
            and (self.key is None or self.key in words_of(letter))
        )


ALL_LETTERS: Final = LetterChoice()


class DeadLetterVerbs(MessageQueryVerbs):
    """What is done with dead letters."""

    async def resend_dead_letters(
        self,
        group: str,
        tell: Callable[[Resending], None],
        *,
        choice: LetterChoice = ALL_LETTERS,
        dry_run: bool = False,
    ) -> None:
        """Send dead letters of a group to their topics again, queue by queue, the oldest first.

        All groups of those topics get them. The letters stay where they are. When it is interrupted, or
        raises, it can be run again: what it has sent, it doesn't send twice.

        Args:
            group: whose.
            tell: called with what became of each.
            choice: which; its count counts those that are sent now.
            dry_run: send nothing.

        Raises:
            UsageError: a dry run, and the letters may not be read.
            RouteNotFound: there are no dead letters.
        """
        if dry_run:
            await self._check_readable(group)
        else:
            await self.make_readable(const.dlq_topic(group))
        left = choice.count
        for part in await self.queue_parts(const.dlq_topic(group), begin_ms=choice.begin_ms):
            offset = part.min_offset
            while offset < part.max_offset:
                batch = await self.pull_batch(part.addr, part.queue, offset, PULL_NUMS)
                for pulled in batch.messages:
                    if not choice.takes(pulled.message):
                        continue
                    if left == 0:
                        return
                    done = await self._resend(pulled.message, dry_run=dry_run)
                    if left is not None and done.outcome in SENT:
                        left -= 1
                    tell(done)
                if batch.next_offset <= offset:
                    break
                offset = batch.next_offset

    async def _check_readable(self, group: str) -> None:
        route = await self.known_route(const.dlq_topic(group))
        if not all(one.perm & PERM_READ for one in route.queue_datas):
            raise UsageError(
                f"{const.dlq_topic(group)} may not be read; without a dry run it is made readable"
            )

    async def _resend(self, letter: MessageExt, *, dry_run: bool) -> Resending:
        topic = origin_of(letter)
        route = None if topic is None else await self.topic_route(topic)
        if topic is None or route is None:
            return Resending(letter, topic, "NO_ORIGIN")
        for one in await self.query_msg_by_unique_key(topic, letter.msg_id):
            if one.properties.get(RESENT) == letter.offset_msg_id:
                return Resending(letter, topic, "ALREADY_RESENT")
        if dry_run:
            return Resending(letter, topic, "WOULD_RESEND")
        return Resending(letter, topic, "RESENT", await self._send_again(letter, route))

    async def _send_again(self, letter: MessageExt, route: TopicRouteData) -> SendResult:
        """Send a letter, once: whether one that went wrong was stored, the next run finds out."""
        topic = origin_of(letter) or ""
        masters = {
            one.broker_name: addr
            for one in route.broker_datas
            if (addr := one.broker_addrs.get(const.MASTER_ID))
        }
        queues = [one for one in publish_queues(topic, route) if one.broker_name in masters]
        if not queues:
            raise RouteNotFound(f"no queue of {topic} takes messages")
        queue = queues[letter.queue_offset % len(queues)]
        addr = masters[queue.broker_name]
        message = again(letter, topic, encode_properties(properties_of(letter), self._release))
        answer = await self._api.send(addr, message, queue, wall_ms(), SEND_TIMEOUT_MS)
        return send_result(answer, addr, letter.msg_id, queue)


def origin_of(letter: MessageExt) -> str | None:
    """Return the topic that a dead letter was sent to; None: it doesn't say."""
    properties = letter.properties
    return properties.get(const.PROPERTY_RETRY_TOPIC) or properties.get(
        const.PROPERTY_DLQ_ORIGIN_TOPIC
    )


def sendable(message: MessageExt) -> dict[str, str]:
    """Return the properties with which a message can be sent again: the user's, and what finds it."""
    return {
        name: value
        for name, value in message.properties.items()
        if name in KEPT or name not in const.RESERVED_PROPERTIES
    }


def properties_of(letter: MessageExt) -> dict[str, str]:
    """Return the properties of a letter that is sent again."""
    return {
        **sendable(letter),
        const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX: letter.msg_id,
        const.PROPERTY_WAIT_STORE_MSG_OK: "true",
        RESENT: letter.offset_msg_id,
    }


def again(letter: MessageExt, topic: str, properties: bytes) -> OutgoingMessage:
    """Return a letter as it goes on the wire: its body as it is stored, compressed or not."""
    stored = letter.stored
    sys_flag = stored.sys_flag & (COMPRESSED_FLAG | COMPRESSION_TYPE_COMPARATOR)
    shape = SendShape(GROUP, topic, stored.flag, sys_flag)
    return OutgoingMessage(shape, stored.body, properties.decode())
