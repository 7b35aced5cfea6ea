"""Plain pulls by the native lane: the request's header is read there, the rest is the processor's.

A pull is plain when its header says nothing unusual and the store's own lane finds something for it.
Whatever else it is, nothing has been done and counted then, and the handler answers the whole request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import LANGUAGE_CODES, RequestCode
from rmqwire.codec.command import FRAME_MAX_LENGTH, decode_frame
from rmqwire.codec.headers import PullMessageRequestHeader
from rmqwire.codec.native import is_native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.broker.processors.send_lane import SendLane
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Input, Lane, Peer, Taken

    Failed = Callable[[Peer, RemotingCommand, Exception], RemotingCommand]
    AnswerFound = Callable[[Peer, PullMessageRequestHeader, int, int], bool]

PULL: Final = int(RequestCode.PULL_MESSAGE)
_FIELDS: Final = (
    "consumerGroup",
    "topic",
    "queueId",
    "queueOffset",
    "maxMsgNums",
    "sysFlag",
    "commitOffset",
    "suspendTimeoutMillis",
    "subscription",
    "subVersion",
    "expressionType",
)
_SAY_NOTHING: Final = ("bname", "maxMsgBytes", "ReqT")  # Java's consumers send them along


class BrokerLane:
    """Plain sends, and the plain pulls among what is between them (``remoting.handler.Lane``).

    Args:
        sends: the lane of the sends.
        answer_found: answers a pull that finds something, and tells whether it did.
        failed: logs what a request failed with, and returns the answer that says so.
    """

    def __init__(self, sends: SendLane, answer_found: AnswerFound, failed: Failed) -> None:
        from rmqwire_speedups import Pulls  # noqa: PLC0415  a distribution of its own

        self._take_sends = sends.take
        self._answer_found = answer_found
        self._failed = failed
        names = [*_FIELDS, *_SAY_NOTHING]
        self._read = Pulls(PULL, names, list(LANGUAGE_CODES), FRAME_MAX_LENGTH).read

    def take(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        """Take what is plain at the front of each connection; see ``Lane``."""
        taken = self._take_sends(inputs)
        return [
            one if one[1] == one[2] else self._take_pulls(connection, data, one)
            for one, (connection, data, _) in zip(taken, inputs, strict=True)
        ]

    def _take_pulls(self, connection: Peer, data: bytes, taken: Taken) -> Taken:
        """Go on behind the sends that were taken; nothing is raised, for they are stored."""
        count, position, stop, answers = taken
        while position < stop and not connection.is_full:
            end = self._take_pull(connection, data, position)
            if end == position:
                break
            position = end
            count += 1
        return count, position, stop, answers

    def _take_pull(self, connection: Peer, data: bytes, position: int) -> int:
        """Answer the pull at ``position``; returns where it ends, ``position`` if it isn't plain."""
        try:
            found = self._read(data, position)
        except RuntimeError:  # a panic: it is no frame for the lane
            return position
        if found is None:
            return position
        end, opaque, serialize_type, fields = found
        group, topic, queue_id, offset, most, flag, commit, patience, tags, version, kind = fields
        header = PullMessageRequestHeader(
            consumer_group=group,
            topic=topic,
            queue_id=queue_id,
            queue_offset=offset,
            max_msg_nums=most,
            sys_flag=flag,
            commit_offset=commit,
            suspend_timeout_millis=patience,
            subscription=tags,
            sub_version=version,
            expression_type=kind,
        )
        try:
            if not self._answer_found(connection, header, opaque, serialize_type):
                return position
        except Exception as error:  # noqa: BLE001  as of any request: logged, answered
            request = decode_frame(memoryview(data)[position + 4 : end])
            connection.reply(request, self._failed(connection, request, error))
        return end


def broker_lane(sends: SendLane, answer_found: AnswerFound, failed: Failed) -> Lane:
    """Return the lane of a broker's requests: in Python it has the sends alone."""
    return BrokerLane(sends, answer_found, failed) if is_native() else sends
