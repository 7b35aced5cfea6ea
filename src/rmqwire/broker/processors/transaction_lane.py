"""Plain half messages and ends of transactions: all of a pass in one call, from frames to records and answers.

A half message is plain when it would be a plain send without its transaction, an end when nothing answers
it and its half message is one of the newest, and still waits. ``SendMessageProcessor`` and
``EndTransactionProcessor`` are the reference, and have whatever else comes.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.delivery.plain_properties import PlainProperties
from rmqwire.broker.delivery.properties import java_map_order
from rmqwire.broker.processors.plain_sends import Line
from rmqwire.broker.processors.plain_transactions import Call, Halves, PlainTransactions
from rmqwire.broker.processors.send_fields import FIELDS
from rmqwire.broker.processors.send_lane import is_plain_name
from rmqwire.broker.transaction.half_message import HALF_TOPIC, QUEUE_ID
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import FRAME_MAX_LENGTH, decode_frame
from rmqwire.codec.properties import find_property
from rmqwire.codec.sys_flag import PERM_WRITE, TRANSACTION_COMMIT_TYPE
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.store.results import PutMessageResult, PutStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rmqwire.broker.processors.plain_transactions import Ended
    from rmqwire.broker.processors.send_lane import AnswerOne, SendLane
    from rmqwire.broker.state import BrokerState
    from rmqwire.remoting.handler import Peer

    Asked = Sequence[tuple[Peer, bytes, int, int]]
    Part = tuple[int, int, bytes]

# What a half message has besides the properties of a plain send.
_OF_HALF: Final = frozenset({const.PROPERTY_TRANSACTION_PREPARED, const.PROPERTY_PRODUCER_GROUP})
_BELONGS: Final = (const.PROPERTY_REAL_TOPIC, const.PROPERTY_REAL_QUEUE_ID)
_ADDED: Final = (const.PROPERTY_TRANSACTION_ID, *_BELONGS)
_KEY: Final = const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX


class TransactionLane:
    """The lane of one broker's transactions.

    Args:
        state: the broker's tables, store and transactions.
        sends: the lane of its sends, whose settings and checks are used.
        answer_half: answers one half message as the processor does.
    """

    def __init__(self, state: BrokerState, sends: SendLane, answer_half: AnswerOne) -> None:
        self._state = state
        self._puts = state.store.puts
        self._sends = sends
        self._answer_half = answer_half
        self._half: Line | None = None
        settings = sends.settings
        self._ours = [entry.partition("\x01")[0] for entry in settings.ours]
        self._plain = PlainTransactions(
            settings,
            sends.answers,
            sends.place,
            PlainProperties(
                self._half_plan,
                settings.ours,
                trailing=settings.trailing_separator,
                answers_key=settings.answers_key,
            ),
            PlainProperties(
                self._commit_plan, (), trailing=settings.trailing_separator, answers_key=False
            ),
            names_transaction=state.release.broker.half_names_transaction,
        )

    def take(self, inputs: Asked) -> Sequence[tuple[int, int]]:
        """Take the plain half messages and ends at the front of each connection.

        Args:
            inputs: connections, what they have brought, where in it to begin, and where to end.

        Returns:
            for each how many were taken, and where the first frame begins that was not.
        """
        state, puts = self._state, self._puts
        now, transactions = state.wall_ms(), state.transactions
        queue = transactions.queue
        halves = Halves(transactions.recent.find, queue.position, queue.done)
        log_end, room = state.store.log.append_end, puts.room(now)
        self._plain.keep_lines(state.topics.table.version + state.store.queues.removals)
        call = Call(self._plain, halves, self._half_line(), log_end, room, now)
        try:
            parts = [call.take_input(*one[1:], one[0].peer_host) for one in inputs]
        except BaseException:
            self._plain.keep_lines(-1)  # some have got what nobody takes
            self._half = None
            raise
        self._end(call)
        halves_line = call.half_line
        of_halves = (halves_line.sends, halves_line.size) if halves_line is not None else (0, 0)
        rows = call.brought()
        if rows:
            sends = sum([row[4] for row in rows])
            brought = state.store.queues.make_brought(rows)
            done = partial(self._stored, inputs, parts, call, of_halves)
            records = b"".join(call.records)
            puts.put_records(records, call.last_size, brought, (sends, sends), now, done)
        return [part[:2] for part in parts]

    def _half_line(self) -> Line | None:
        """Return the half queue; None when half messages aren't the lane's."""
        state, sends = self._state, self._sends
        config = state.config
        entry = state.store.queues.topics.get(HALF_TOPIC)
        queue = None if entry is None else entry.queues.get(QUEUE_ID)
        if (
            entry is None
            or queue is None
            or entry.special
            or entry.v2
            or config.reject_transaction_message
            or not config.broker_permission & PERM_WRITE
            or config.start_accept_send_request_time_stamp
        ):
            return None
        if self._half is None or self._half.queue is not queue:
            host_id = sends.settings.host_id.encode()
            self._half = Line(queue, entry.name, sends.answers, host_id)
        return self._half

    # --- properties

    def _half_plan(self, names: Sequence[str]) -> tuple[Sequence[int], int, int, int] | None:
        """Return how the properties of a half message are stored; None if they are not plain."""
        release, rewriter = self._state.release, self._sends.rewriter
        added = _ADDED if release.broker.half_names_transaction else _BELONGS
        own = tuple(names[: -len(added)])
        if not all(name in _OF_HALF or is_plain_name(name) for name in own):
            return None
        plan = rewriter.plan(own)
        if plan is None or plan.unique < 0:
            return None
        puts = rewriter.complete(dict.fromkeys(own, ""), "")
        puts |= dict.fromkeys(added, "")
        places = {name: place for place, name in enumerate([*names, *self._ours])}
        order = java_map_order(puts, release.wire.property_map_capacity)
        return [places[name] for name in order], plan.tags, plan.unique, plan.wait

    def _commit_plan(self, names: Sequence[str]) -> tuple[Sequence[int], int, int, int] | None:
        """Return how the properties of a half message are stored when it is committed; None if not plain."""
        release = self._state.release
        known = {*_OF_HALF, *_ADDED, *self._ours}
        if len(set(names)) != len(names) or not all(
            name in known or is_plain_name(name) for name in names
        ):
            return None
        keeps = release.broker.committed_keeps_real_topic
        kept = [name for name in names if keeps or name not in _BELONGS]
        order = java_map_order(kept, release.wire.property_map_capacity)
        places = {name: place for place, name in enumerate(names)}
        tags, wait = const.PROPERTY_TAGS, const.PROPERTY_WAIT_STORE_MSG_OK
        return [places[name] for name in order], places.get(tags, -1), -1, places.get(wait, -1)

    # --- what has been taken

    def _end(self, call: Call) -> None:
        """Note the transactions that end at once: who ends one of them again is told so."""
        transactions = self._state.transactions
        rolled_back = []
        for place, half, how in call.ended.values():
            transactions.recent.forget(place)
            transactions.queue.end(half.queue_offset, how)
            if how != TRANSACTION_COMMIT_TYPE:
                rolled_back.append(half)
        if rolled_back:
            topics = Counter([half.real_topic for half in rolled_back])
            transactions.over(topics, [half.queue_offset for half in rolled_back])

    def _stored(
        self,
        inputs: Asked,
        parts: Sequence[Part],
        call: Call,
        of_halves: tuple[int, int],
        result: PutMessageResult,
    ) -> None:
        """Answer what one call has stored; the store calls this when the outcome is known."""
        if call.ended:
            self._committed(call.ended.values(), is_stored=result.is_stored)
        if call.stored and result.is_stored:
            transactions = self._state.transactions
            for place, half in call.stored:
                transactions.recent.keep(place, half)
            for topic, number in Counter([half.real_topic for _, half in call.stored]).items():
                transactions.metrics.add(topic, number)
        if result.status != PutStatus.PUT_OK:
            self._answer_each(inputs, parts, call, result)
            return
        sends, size = of_halves
        if sends:
            elapsed_ms = (self._puts.pass_ended or self._state.wall_ms()) - result.store_timestamp
            self._state.stats.put(HALF_TOPIC, QUEUE_ID, sends, size, elapsed_ms, sends)
        for (peer, _, _, _), (_, _, answers) in zip(inputs, parts, strict=True):
            if answers:
                peer.send_frame(answers)

    def _committed(self, ended: Iterable[Ended], *, is_stored: bool) -> None:
        transactions = self._state.transactions
        halves = [one.half for one in ended if one.how == TRANSACTION_COMMIT_TYPE]
        if halves and is_stored:
            topics = Counter([half.real_topic for half in halves])
            transactions.over(topics, [half.queue_offset for half in halves])
            return
        for half in halves:  # of which the store refused the messages
            transactions.queue.revive(half.queue_offset)

    def _answer_each(
        self, inputs: Asked, parts: Sequence[Part], call: Call, result: PutMessageResult
    ) -> None:
        """Answer half messages one by one, by the processor, from their requests."""
        stored = iter(call.stored)
        for (peer, data, begin, _), (_, end, _) in zip(inputs, parts, strict=True):
            for frame in FrameReader(FRAME_MAX_LENGTH).split(data, begin, end):
                request = decode_frame(frame)
                if request.code == RequestCode.END_TRANSACTION:
                    continue
                place, half = next(stored)
                key = find_property(half.properties, _KEY.encode())
                one = PutMessageResult(
                    result.status,
                    place,
                    half.size,
                    half.queue_offset,
                    result.store_timestamp,
                    f"{self._puts.host_id}{place:016X}",
                    1,
                    result.remark,
                )
                unique = None if key is None else key.decode("utf-8", "replace")
                self._answer_half(FIELDS[request.code], peer, request, unique, one)
