"""What requests do, as access control sees them, where Java asks nothing."""

from __future__ import annotations

from rmqwire.auth.contexts import contexts_of
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand


def test_a_pop_of_lite_topics_reads_the_topic_for_the_group():
    fields = {"consumerGroup": "g", "topic": "T", "clientId": "c"}
    found = {}
    for code in (R.POP_LITE_MESSAGE, R.POP_MESSAGE):
        request = RemotingCommand.request(int(code))
        request.ext_fields = dict(fields)
        found[code] = contexts_of(request, "C")
    assert found[R.POP_LITE_MESSAGE] == found[R.POP_MESSAGE]
    assert {one.name for one in found[R.POP_LITE_MESSAGE]} == {"g", "T"}
