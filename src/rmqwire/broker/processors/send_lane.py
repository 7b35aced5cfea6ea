"""Plain sends: many frames to records, units and answers in one call, native or in Python.

``rmqwire_speedups.Sends`` and its twin ``PlainSends`` only turn bytes into bytes. What they may take is
decided here, and narrowly: a message is plain when its topic is one of the users', known and with nothing
special about it, and when each of its properties is either the users' own or in ``HARMLESS``. A property
that RocketMQ knows and this module doesn't name goes the way through ``SendMessageProcessor``, so does a
header field that is no field of a usual send: what those learn to do can't be passed by here.

``SendMessageProcessor`` is the reference: the same bytes in log, queues and answers. It also
answers what the lane took when that comes out otherwise than stored.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.broker.processors.send_fields import FIELDS, SendFields, plain_names
from rmqwire.codec import message_const as const
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.codes import LANGUAGE_CODES
from rmqwire.codec.command import FRAME_MAX_LENGTH, decode_frame
from rmqwire.codec.names import NOT_ALLOWED_SEND_TOPICS
from rmqwire.codec.native import is_native
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import read_position
from rmqwire.codec.sys_flag import COMPRESSED_FLAG, COMPRESSION_TYPE_COMPARATOR, PERM_WRITE
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.store.results import PutMessageResult, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.broker.delivery.properties import PropertyRewriter
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.send_answer import SendAnswers
    from rmqwire.remoting.handler import Input, Peer, Taken
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_tail import Brought, Tail

    Take = Callable[
        [Sequence[Input], int, int, int, int],
        tuple[Sequence[Taken], bytes, int, tuple[int, int], Brought | None],
    ]
    AnswerOne = Callable[[SendFields, Peer, RemotingCommand, "str | None", PutMessageResult], None]

# Properties of RocketMQ's that a broker only stores, or of which the lane knows all there is to do.
HARMLESS: Final = frozenset(
    {
        const.PROPERTY_KEYS,
        const.PROPERTY_TAGS,
        const.PROPERTY_WAIT_STORE_MSG_OK,
        const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX,
        const.PROPERTY_INSTANCE_ID,
    }
)
HARMLESS_SYS_FLAG: Final = COMPRESSED_FLAG | COMPRESSION_TYPE_COMPARATOR
_KNOWN: Final = const.RESERVED_PROPERTIES | {
    value for name, value in vars(const).items() if name.startswith(("PROPERTY_", "TIMER_", "DUP_"))
}
_SYSTEM_NAME: Final = ("__", "%", "_SYS_", "TIMER_", "INNER_", "TRAN", "POP_")
_SYSTEM_TOPIC: Final = ("%", const.SYSTEM_TOPIC_PREFIX, const.RMQ_SYS_SCHEDULE_TOPIC)


class LaneSettings(msgspec.Struct):
    """What ``rmqwire_speedups.Sends`` and its twin read once."""

    codes: list[tuple[int, list[str]]]
    languages: list[str]
    harmless_sys_flag: int
    max_frame: int
    max_body: int
    store_host: bytes
    host_id: str
    ours: list[str]
    trailing_separator: bool
    takes_batches: bool
    answer_json: str
    answer_json_with_key: str
    answer_tail: bytes
    answer_language: int
    answer_version: int
    answers_key: bool


def is_plain_name(name: str) -> bool:
    """Return whether a property of this name means nothing to a broker."""
    return name in HARMLESS or not (name in _KNOWN or name.startswith(_SYSTEM_NAME))


class SendLane:
    """The lane of one broker's plain sends (``remoting.handler.Lane``).

    Args:
        state: the broker's tables and store.
        answers: of the processor, whose templates are used.
        rewriter: of the processor, whose plans are used.
        answer_one: answers one send as the processor does.

    Attributes:
        settings: what the broker's other lanes of messages read once, too.
    """

    def __init__(
        self,
        state: BrokerState,
        answers: SendAnswers,
        rewriter: PropertyRewriter,
        answer_one: AnswerOne,
    ) -> None:
        self._state = state
        self._puts = state.store.puts
        self._log = state.store.log
        self._answer_one = answer_one
        self.answers = answers
        self.rewriter = rewriter
        self.settings = settings = LaneSettings(
            codes=[(code, plain_names(fields)) for code, fields in FIELDS.items()],
            languages=list(LANGUAGE_CODES),
            harmless_sys_flag=HARMLESS_SYS_FLAG,
            max_frame=FRAME_MAX_LENGTH,
            max_body=state.store.config.max_message_size,
            store_host=state.store.log.store_host,
            host_id=state.store.puts.host_id,
            ours=rewriter.ours,
            trailing_separator=state.release.wire.trailing_property_separator,
            takes_batches=not state.release.broker.appends_batch_properties,
            answer_json=answers.json,
            answer_json_with_key=answers.json_with_key,
            answer_tail=answers.tail.encode("latin-1"),
            answer_language=answers.language,
            answer_version=answers.version,
            answers_key=answers.has_key,
        )
        self._take: Take
        if is_native():
            from rmqwire_speedups import Sends  # noqa: PLC0415  a distribution of its own

            self._take = Sends(settings, self._tail, self._plan).take
        else:
            from rmqwire.broker.processors.plain_sends import PlainSends  # noqa: PLC0415  with its lane

            self._take = PlainSends(settings, answers, self.place, self._plan).take

    def take(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        """Take the plain sends at the front of each connection; see ``Lane``."""
        state, puts = self._state, self._puts
        now = state.wall_ms()
        config = state.config
        room = puts.room(now)
        if not config.broker_permission & PERM_WRITE or config.start_accept_send_request_time_stamp:
            room = 0
        version = state.topics.table.version + state.store.queues.removals
        taken, records, last_size, counts, brought = self._take(
            inputs, self._log.append_end, room, now, version
        )
        if brought is not None:
            done = partial(self._stored, inputs, taken, records, brought)
            puts.put_records(records, last_size, brought, counts, now, done)
        return taken

    def place(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        """Return the queue of a message; None if not plain.

        What is returned stays so until the version of the topics' table or the count of queues that
        were removed is another.
        """
        config = self._state.topics.table.get(topic)
        entry = self._state.store.queues.topics.get(topic)
        if (
            config is None
            or entry is None
            or entry.special
            or entry.v2
            or queue_id >= config.write_queue_nums
            or config.topic_filter_type != "SINGLE_TAG"
            or not config.perm & PERM_WRITE
            or config.attributes
            or topic.startswith(_SYSTEM_TOPIC)
            or topic in NOT_ALLOWED_SEND_TOPICS
        ):
            return None
        return entry.queues.get(queue_id)

    def _tail(self, topic: str, queue_id: int) -> Tail | None:
        """Return the tail of a message's queue; None if not plain."""
        queue = self.place(topic, queue_id)
        return None if queue is None else queue.tail

    def _plan(self, names: Sequence[str]) -> tuple[Sequence[int], int, int, int] | None:
        """Return how properties of these names are stored; None if they are not plain."""
        plan = self.rewriter.plan(tuple(names)) if all(map(is_plain_name, names)) else None
        if plan is None or plan.special or (plan.unique < 0 and self.rewriter.adds_unique_key):
            return None
        return plan.indexes, plan.tags, plan.unique, plan.wait

    def _stored(
        self,
        inputs: Sequence[Input],
        taken: Sequence[Taken],
        records: bytes,
        brought: Brought,
        result: PutMessageResult,
    ) -> None:
        """Answer all sends of one call; the store calls this when their outcome is known."""
        if result.status != PutStatus.PUT_OK:
            place = 0
            for (connection, data, begin), (_, end, _, _) in zip(inputs, taken, strict=True):
                sends = FrameReader(FRAME_MAX_LENGTH).split(data, begin, end)
                place = self._answer_each(connection, sends, records, place, result)
            return
        answered = self._puts.pass_ended or self._state.wall_ms()
        self._state.stats.put_all(brought, answered - result.store_timestamp)
        for (connection, _, _), (_, _, _, answers) in zip(inputs, taken, strict=True):
            if answers:  # not if all were oneway
                connection.send_frame(answers)

    def _answer_each(
        self,
        connection: Peer,
        sends: Sequence[memoryview],
        records: bytes,
        place: int,
        result: PutMessageResult,
    ) -> int:
        """Answer sends one by one, by the processor, from their requests.

        Returns:
            the position in ``records`` behind theirs, which begin at ``place``.
        """
        for frame in sends:
            request = decode_frame(frame)
            fields, ext = FIELDS[request.code], request.ext_fields or {}
            is_batch = ext.get(fields.batch) == "true"
            first = read_position(records, place)
            number = len(decode_batch(request.body)) if is_batch else 1
            ids, start = [], place
            for _ in range(number):
                record = read_position(records, place)
                ids.append(f"{self._puts.host_id}{record.physical_offset:016X}")
                place += record.total_size
            of_send = (ext.get(fields.properties) or "").encode() if is_batch else first.properties
            key = find_property(of_send, const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX.encode())
            one = PutMessageResult(
                result.status,
                first.physical_offset,
                place - start,
                first.queue_offset,
                result.store_timestamp,
                ",".join(ids),
                number,
                result.remark,
            )
            unique = None if key is None else key.decode("utf-8", "replace")
            self._answer_one(fields, connection, request, unique, one)
        return place


def send_lane(
    state: BrokerState, answers: SendAnswers, rewriter: PropertyRewriter, answer_one: AnswerOne
) -> SendLane | None:
    """Return the lane of a broker's sends, None when the settings don't suit it.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    suits = answers.is_plain and not state.store.config.enabled_append_prop_crc
    return SendLane(state, answers, rewriter, answer_one) if suits else None
