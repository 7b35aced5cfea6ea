"""What traces tell of a message: who sent it, and who consumed it (mqadmin's ``queryMsgTraceById``)."""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.admin.message_query import MAX_NUM, MessageQueryVerbs
from rmqwire.client.message_queries import LONG_MAX
from rmqwire.codec.trace import TraceView, decode_traces

TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC"


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, and the client that wrote it.

    Args:
        view: what it tells.
        client_host: the address that it came from.
    """

    view: TraceView
    client_host: str


class MessageTraceVerbs(MessageQueryVerbs):
    """What is asked of trace topics."""

    async def query_msg_trace_by_id(
        self,
        msg_id: str,
        *,
        trace_topic: str = TRACE_TOPIC,
        begin_ms: int = 0,
        end_ms: int = LONG_MAX,
        max_num: int = MAX_NUM,
    ) -> list[Trace]:
        """Return the traces of a message in the order of their broker's index (``queryMsgTraceById``).

        Args:
            msg_id: the id that its producer gave it.
            trace_topic: where traces are.
            begin_ms: stored at this time or later, ms since the epoch.
            end_ms: stored at this time or before.
            max_num: so many messages with traces of each broker at most.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        found = await self.query_msg_by_key(
            trace_topic, msg_id, begin_ms=begin_ms, end_ms=end_ms, max_num=max_num
        )
        return [
            Trace(view, message.born_host[0])
            for message in found
            for view in decode_traces(message.body.decode(errors="replace"))
            if view.msg_id == msg_id
        ]
