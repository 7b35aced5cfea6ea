"""How a user's listener is called, whatever it looks like."""

from functools import partial

import pytest

from rmqwire.client.message_ext import MessageExt
from rmqwire.client.tasks import Tasks
from rmqwire.codec.message import StoredMessage
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.working.listener_call import ListenerCall, Outcome, call_listener
from rmqwire.errors import UsageError

OK = ConsumeStatus.CONSUME_SUCCESS
CONTEXT = object()


class Method:
    def listen(self, messages):
        return OK

    def with_context(self, messages, context):
        return OK if context is CONTEXT else None

    async def slowly(self, messages, context):
        return self.with_context(messages, context)


def other_argument_has_a_default(messages, greeting="hello"):
    return OK if greeting == "hello" else None


@pytest.mark.parametrize(
    "listener",
    [
        lambda messages: OK,
        lambda messages, context: OK if context is CONTEXT else None,
        lambda *arguments: OK if len(arguments) == 1 else None,
        Method().listen,
        Method().with_context,
        Method().slowly,
        partial(Method.with_context, Method()),
        other_argument_has_a_default,
    ],
)
@pytest.mark.parametrize("tasks", [None, Tasks()], ids=["in the loop", "in a thread"])
async def test_it_gets_what_it_takes(listener, tasks):
    call = ListenerCall(listener, ConsumeStatus, "g", tasks)
    assert await call.run("T", [], CONTEXT) == Outcome(OK)


@pytest.mark.parametrize("listener", [lambda: OK, lambda a, b, c: OK, lambda *, only: OK])
def test_a_listener_that_takes_something_else_is_refused_at_once(listener):
    with pytest.raises(UsageError, match="must take messages, or messages and a context"):
        ListenerCall(listener, ConsumeStatus, "g")


async def test_a_listener_cannot_change_the_list_that_the_consumer_keeps():
    messages = ["a", "b"]
    call = ListenerCall(lambda taken: taken.clear() or OK, ConsumeStatus, "g")
    assert await call.run("T", messages, CONTEXT) == Outcome(OK)
    assert messages == ["a", "b"]


async def test_what_it_raises_is_told_and_logged(caplog):
    def listener(messages):
        raise RuntimeError("no")

    outcome = await ListenerCall(listener, ConsumeStatus, "g").run("T", [], CONTEXT)
    assert outcome == Outcome(None, "RuntimeError: no")
    assert "the listener of T failed, group g" in caplog.text


async def test_another_answer_than_a_status_is_none(caplog):
    outcome = await ListenerCall(lambda _: True, ConsumeStatus, "g").run("T", [], CONTEXT)
    assert outcome == Outcome(None)
    assert "the listener of T returned True, group g" in caplog.text


async def test_messages_of_a_topic_without_a_listener_come_again(caplog):
    message = MessageExt.of(StoredMessage("T", b"x"), "a")
    later = ConsumeStatus.RECONSUME_LATER
    outcome = await call_listener({}, [message], CONTEXT, group="g", later=later)
    assert outcome == Outcome(later)
    assert "no listener for topic T in group g" in caplog.text
