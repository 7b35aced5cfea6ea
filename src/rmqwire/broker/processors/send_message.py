"""Sends: SEND_MESSAGE, SEND_MESSAGE_V2, SEND_BATCH_MESSAGE (``SendMessageProcessor``).

The hot path. One request is one plain function: read the few fields that are needed, rewrite the
property string, hand the message to the store. The answer leaves when the store calls back, at the
end of the pass that brought the request or after the flush.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.inner_batch import is_batch_cq, make_inner_batch
from rmqwire.broker.delivery.place import Place, dead_letters, place
from rmqwire.broker.delivery.priority import settle_priority
from rmqwire.broker.delivery.properties import PropertyRewriter, has_timer, write_properties
from rmqwire.broker.lite.multi_dispatch import with_light_queue
from rmqwire.broker.processors.put_result import STORED, refusal
from rmqwire.broker.processors.send_check import check_send, check_start, random_queue
from rmqwire.broker.processors.send_fields import unreadable
from rmqwire.broker.processors.send_lane import send_lane
from rmqwire.broker.transaction.half_message import HALF_TOPIC, QUEUE_ID
from rmqwire.codec import message_const as const
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.codes import ONEWAY_FLAG, ResponseCode
from rmqwire.codec.headers import SendMessageResponseHeader
from rmqwire.codec.java_hash import TagsCodes, tags_code
from rmqwire.codec.names import NOT_ALLOWED_SEND_TOPICS
from rmqwire.codec.properties import decode_properties, find_property
from rmqwire.codec.send_answer import SendAnswers
from rmqwire.codec.sys_flag import (
    INNER_BATCH_FLAG,
    MULTI_TAGS_FLAG,
    PERM_WRITE,
    transaction_type,
)
from rmqwire.errors import BadBody, EvaluationError
from rmqwire.filter.java_number import parse_int
from rmqwire.remoting.handler import Reject
from rmqwire.store.results import MessageInner, PutMessageResult, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.processors.send_fields import SendFields
    from rmqwire.broker.processors.send_lane import SendLane
    from rmqwire.broker.processors.transaction_lane import TransactionLane
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

_INT_MIN, _INT_MAX, _LONG_MAX = -(2**31), 2**31 - 1, 2**63 - 1
_tags_codes = TagsCodes()
V3_4_9 = 121  # MQVersion ordinal from which a request's maxReconsumeTimes counts


class SendMessageProcessor:
    """Stores the messages that producers send.

    Args:
        state: the broker's tables and store.
        new_unique_key: makes a UNIQ_KEY for a message that came without one (5.x).
    """

    def __init__(self, state: BrokerState, new_unique_key: Callable[[], str]) -> None:
        self._state = state
        config = state.config
        self._answers = SendAnswers(state.release, config.region_id, trace_on=config.trace_on)
        self._rewriter = PropertyRewriter(
            state.release,
            config.broker_cluster_name,
            config.region_id,
            trace_on=config.trace_on,
            new_unique_key=new_unique_key,
        )

    def send(self, fields: SendFields, connection: Peer, request: RemotingCommand) -> None:
        """Take one send; its answer leaves when the store calls back."""
        try:
            self._receive(fields, connection, request, _read(fields, connection, request))
        except Reject as refused:
            refused.ext_fields = dict(self._answers.broker_fields)
            raise

    def lane(self) -> SendLane | None:
        """Return what takes plain sends before this does; None when the settings don't suit it.

        Raises:
            ConfigError: a lane is wanted that can't be used.
        """
        return send_lane(self._state, self._answers, self._rewriter, self._answer)

    def transactions(self, sends: SendLane) -> TransactionLane:
        """Return what takes plain half messages, and what becomes of them; it is imported for the first.

        Args:
            sends: the lane of the sends.
        """
        from rmqwire.broker.processors.transaction_lane import TransactionLane  # noqa: PLC0415

        return TransactionLane(self._state, sends, partial(self._answer, is_half=True))

    def _receive(
        self,
        fields: SendFields,
        connection: Peer,
        request: RemotingCommand,
        message: MessageInner,
    ) -> None:
        ext = request.ext_fields or {}
        topic = message.topic
        state = self._state
        config = state.topics.table.get(topic)
        if (
            config is None
            or message.queue_id >= config.write_queue_nums
            or topic in NOT_ALLOWED_SEND_TOPICS
            or not state.config.broker_permission & PERM_WRITE
            or state.config.start_accept_send_request_time_stamp
        ):
            check_start(state)
            config = check_send(state, connection, ext, fields, message.queue_id)
        if message.queue_id < 0:
            message.queue_id = random_queue(config, state.rng)
        if config.topic_filter_type == "MULTI_TAG":
            message.sys_flag |= MULTI_TAGS_FLAG
        if not message.body and state.release.broker.empty_body_refused:
            raise Reject(ResponseCode.SYSTEM_ERROR, "the message has no body")
        if ext.get(fields.batch) == "true":
            self._store_batch(connection, request, message, ext.get(fields.properties) or "")
            return
        text = ext.get(fields.properties) or ""
        queue_id = message.queue_id
        if topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX):
            text = self._route_retry(request, message, fields, text)
        rewritten = self._rewriter.rewrite(text)
        message.properties = rewritten.data
        message.wait_store_ok = rewritten.wait_store_ok
        if rewritten.tags is not None:
            message.tags_code = tags_code(rewritten.tags)
        values = rewritten.properties
        if values is not None and self._has_priority(message, values):
            queue_id = message.queue_id
        done = partial(self._stored, connection, request, message, (queue_id, rewritten.unique_key))
        if values is None:
            state.store.puts.put(message, done)
        else:
            self._put_in_place(message, topic, values, done)

    # --- before the store

    def _route_retry(
        self, request: RemotingCommand, message: MessageInner, fields: SendFields, text: str
    ) -> str:
        """Send a retry that was tried too often to the dead letters (``handleRetryAndDLQ``).

        Returns:
            the property string to go on with.
        """
        state, ext = self._state, request.ext_fields or {}
        group = message.topic[len(const.RETRY_GROUP_TOPIC_PREFIX) :]
        subscription = state.groups.find(group)
        if subscription is None:
            raise Reject(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group not exist, {group} {state.release.wire.faq_suggestion}",
            )
        limit = subscription.retry_max_times
        if request.version >= V3_4_9 and (own := ext.get(fields.max_reconsume_times)):
            limit = _number(own)
        times, inclusive = message.reconsume_times, state.release.broker.retry_limit_inclusive
        # An orderly consumer, which alone holds queues, gives a message up only at its end: 5.x makes
        # it a dead letter at once.
        given_up = state.release.broker.given_up_in_order and state.queue_locks.has_locks(group)
        if not given_up and (times < limit or (times == limit and not inclusive)):
            return text
        message.topic = dead_letters(state.topics, group)
        message.queue_id = 0
        if not state.release.broker.dead_letters_undelayed:
            return text
        return f"{text.rstrip(chr(2))}\x02{const.PROPERTY_DELAY_TIME_LEVEL}\x01-1"

    def _has_priority(self, message: MessageInner, properties: dict[str, str]) -> bool:
        """Put a message into the queue of its priority; return whether it has one."""
        release = self._state.release
        queues = self._state.topics.table[message.topic].write_queue_nums
        return release.broker.sends_by_priority and settle_priority(
            message, properties, queues, release
        )

    def _put_in_place(
        self,
        message: MessageInner,
        topic: str,
        properties: dict[str, str],
        done: partial[None],
    ) -> None:
        """Store a message that may have to wait, as what waits for it, or is for a lite topic."""
        state = self._state
        delay = properties.get(const.PROPERTY_DELAY_TIME_LEVEL)
        level = _number(delay) if delay else 0
        lite = None
        if state.release.broker.lite_topics:
            lite = with_light_queue(topic, properties)
        if lite is not None:
            properties, message.properties = lite, write_properties(lite, state.release)
        where = place(message, properties, level, state.release)
        if where is Place.HALF:
            self._check_transactions()
            state.transactions.prepare(message, properties, done)
            return
        if where is Place.DELAYED:
            state.schedule.delay(message, properties, level)
        elif where is Place.TIMED:
            if not state.config.timer_wheel_enable:
                raise Reject(*refusal(PutMessageResult(PutStatus.WHEEL_TIMER_NOT_ENABLE), 0))
            done = partial(done, recall=state.timers.delay(message, properties))
        state.store.puts.put(message, done)

    def _check_transactions(self) -> None:
        config = self._state.config
        if config.reject_transaction_message:
            raise Reject(
                ResponseCode.NO_PERMISSION,
                f"the broker[{config.broker_ip1}] sending transaction message is forbidden",
            )

    def _store_batch(
        self, connection: Peer, request: RemotingCommand, batch: MessageInner, text: str
    ) -> None:
        """Store the messages of a batch send one by one, under one answer."""
        state = self._state
        topic = batch.topic
        if len(topic) > 127:
            raise Reject(
                ResponseCode.MESSAGE_ILLEGAL, f"message topic length too long {len(topic)}"
            )
        if (
            topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX)
            and state.release.broker.batch_refuses_retry_topic
        ):
            raise Reject(
                ResponseCode.MESSAGE_ILLEGAL, f"batch request does not support retry group {topic}"
            )
        properties = decode_properties(text)
        unique_key = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        done = partial(self._stored, connection, request, batch, (batch.queue_id, unique_key))
        level = _number(properties.get(const.PROPERTY_DELAY_TIME_LEVEL) or "0")
        timed = state.release.broker.timer_messages and has_timer(properties)
        if transaction_type(batch.sys_flag) or level > 0 or timed:
            done(PutMessageResult(PutStatus.MESSAGE_ILLEGAL))
            return
        suffix = b""
        if state.release.broker.appends_batch_properties:
            properties[const.PROPERTY_CLUSTER] = state.config.broker_cluster_name
            suffix = write_properties(properties, state.release)
        try:
            entries = decode_batch(batch.body)
        except BadBody as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"the batch can't be read: {error}") from None
        if unique_key is not None and is_batch_cq(state.topics.table.get(topic)):
            named = properties | {
                const.PROPERTY_MSG_REGION: self._answers.broker_fields["MSG_REGION"],
                const.PROPERTY_TRACE_SWITCH: self._answers.broker_fields["TRACE_ON"],
                const.PROPERTY_CLUSTER: state.config.broker_cluster_name,
            }
            make_inner_batch(batch, named, len(entries), state.release)
            state.store.puts.put(batch, done)
            return
        wait = properties.get(const.PROPERTY_WAIT_STORE_MSG_OK, "true") == "true"
        messages = [
            MessageInner(
                topic,
                batch.queue_id,
                entry.flag,
                batch.sys_flag,
                _with_suffix(entry.properties, suffix),
                entry.body,
                _tags_code(entry.properties),
                batch.born_timestamp,
                batch.born_host,
                batch.reconsume_times,
                0,
                wait,
            )
            for entry in entries
        ]
        state.store.puts.put_batch(messages, done)

    # --- after the store

    def _answer(
        self,
        fields: SendFields,
        connection: Peer,
        request: RemotingCommand,
        unique_key: str | None,
        result: PutMessageResult,
        *,
        is_half: bool = False,
    ) -> None:
        """Answer a send, or a half message, that a lane took."""
        message = _read(fields, connection, request)
        sent = message.queue_id, unique_key
        if is_half:  # that is where it is counted
            message.topic, message.queue_id = HALF_TOPIC, QUEUE_ID
        self._stored(connection, request, message, sent, result)

    def _stored(
        self,
        connection: Peer,
        request: RemotingCommand,
        message: MessageInner,
        sent: tuple[int, str | None],
        result: PutMessageResult,
        *,
        recall: str | None = None,
    ) -> None:
        """Answer a send; the store calls this when the outcome is known."""
        state = self._state
        code = STORED.get(result.status)
        if code is None:
            refused = refusal(result, state.store.config.max_message_size)
            response = request.create_response(*refused)
            response.ext_fields = dict(self._answers.broker_fields)
            connection.reply(request, response)
            return
        answered = state.store.puts.pass_ended or state.wall_ms()
        state.stats.put(
            message.topic,
            message.queue_id,
            result.count,
            result.size,
            answered - result.store_timestamp,
        )
        if request.flag & ONEWAY_FLAG:
            return
        queue_id, unique_key = sent
        message_id, queue_offset = result.message_id, result.queue_offset
        if message.sys_flag & INNER_BATCH_FLAG and unique_key is not None:
            header = SendMessageResponseHeader(
                msg_id=message_id,
                queue_id=queue_id,
                queue_offset=queue_offset,
                transaction_id=unique_key,
                batch_uniq_id=unique_key,
            )
            frame = self._answers.encode_header(
                request.serialize_type, request.opaque, code, header
            )
        elif recall:
            header = SendMessageResponseHeader(
                msg_id=message_id,
                queue_id=queue_id,
                queue_offset=queue_offset,
                transaction_id=unique_key,
                recall_handle=recall,
            )
            frame = self._answers.encode_header(
                request.serialize_type, request.opaque, code, header
            )
        else:
            frame = self._answers.encode(
                request.serialize_type,
                request.opaque,
                code,
                message_id,
                queue_id,
                queue_offset,
                unique_key,
            )
        connection.send_frame(frame)


def _read(fields: SendFields, connection: Peer, request: RemotingCommand) -> MessageInner:
    """Return the message of a send, its properties as yet without.

    Raises:
        BadHeader: a field is missing, no number, or doesn't fit the record.
    """
    ext = request.ext_fields or {}
    try:
        message = MessageInner(
            ext[fields.topic],
            int(ext[fields.queue_id]),
            int(ext[fields.flag]),
            int(ext[fields.sys_flag]),
            b"",
            request.body,
            0,
            int(ext[fields.born_timestamp]),
            connection.peer_host,
            int(ext.get(fields.reconsume_times) or 0),
        )
    except (KeyError, ValueError):
        raise unreadable(request, fields) from None
    if not (
        _INT_MIN <= message.flag <= _INT_MAX
        and _INT_MIN <= message.sys_flag <= _INT_MAX
        and -1 <= message.reconsume_times <= _INT_MAX
        and -_LONG_MAX <= message.born_timestamp <= _LONG_MAX
    ):
        raise unreadable(request, fields)
    return message


def _number(text: str) -> int:
    """Read an int as Java's ``Integer.parseInt`` does, with its words when it can't.

    Raises:
        Reject: SYSTEM_ERROR.
    """
    try:
        return parse_int(text)
    except EvaluationError:
        raise Reject(
            ResponseCode.SYSTEM_ERROR,
            f'java.lang.NumberFormatException: For input string: "{text[:64]}"',
        ) from None


def _with_suffix(properties: bytes, suffix: bytes) -> bytes:
    """Append the batch's properties to those of one message (4.9)."""
    if properties and suffix and not properties.endswith(b"\x02"):
        return properties + b"\x02" + suffix
    return properties + suffix


def _tags_code(properties: bytes) -> int:
    tags = find_property(properties, b"TAGS")
    return _tags_codes[tags] if tags else 0
