"""Codes to handlers, exceptions to answers."""

import logging

import pytest

from rmqwire.codec.bodies import HeartbeatData
from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.release import V4_9_7
from rmqwire.errors import BadBody, BadHeader, UsageError
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.handler import Reject
from tests.remoting.support import frame, golden_answer


def answer(table, request):
    connection = Connection(table, "127.0.0.1:40000")
    connection.receive_data(frame(request))
    return decode_command(connection.data_to_send())


@pytest.mark.parametrize("version", ["4.9.7", "5.5.0"])
def test_an_unknown_code_gets_the_answer_java_gives(version):
    recorded = golden_answer(version, "ROCKETMQ", "b_raw_errors", 13)
    reply = answer(HandlerTable(), RemotingCommand(13, opaque=recorded.opaque))
    assert (reply.code, reply.remark, reply.opaque, reply.flag, bytes(reply.body)) == (
        recorded.code, recorded.remark, recorded.opaque, recorded.flag, bytes(recorded.body),
    )  # fmt: skip
    assert reply.remark == " request type 13 not supported"


def test_answers_announce_the_release_and_the_language():
    table = HandlerTable(V4_9_7, {1: lambda c, r: r.create_response(0, "hi")})
    reply = answer(table, RemotingCommand(1, opaque=77))
    assert (reply.version, reply.language, reply.opaque, reply.flag) == (407, 3, 77, 1)


def test_a_rejection_is_answered_with_its_code():
    def handler(connection, request):
        raise Reject(17, "No topic route info")

    reply = answer(HandlerTable(handlers={105: handler}), RemotingCommand(105))
    assert (reply.code, reply.remark, reply.ext_fields) == (17, "No topic route info", None)


def test_a_rejection_is_answered_with_its_fields():
    def handler(connection, request):
        raise Reject(16, "forbidden", {"MSG_REGION": "DefaultRegion"})

    reply = answer(HandlerTable(handlers={105: handler}), RemotingCommand(105))
    assert (reply.code, reply.ext_fields) == (16, {"MSG_REGION": "DefaultRegion"})


def test_a_bad_field_is_answered_with_the_same_opaque():
    def handler(connection, request):
        raise BadHeader("the custom field <topic> is null")

    reply = answer(HandlerTable(handlers={105: handler}), RemotingCommand(105, {}, opaque=9))
    assert (reply.code, reply.opaque) == (1, 9)
    assert "the custom field <topic> is null" in reply.remark


def test_a_bad_body_is_answered():
    def handler(connection, request):
        raise BadBody("no json", 3)

    reply = answer(HandlerTable(handlers={1: handler}), RemotingCommand(1))
    assert reply.code == 1
    assert "no json (at byte 3)" in reply.remark


def test_what_cannot_be_read_is_one_line_with_peer_code_and_field(caplog):
    def handler(connection, request):
        HeartbeatData.decode(b'{"consumerDataSet":[{"consumeType":{"a":1}}]}')

    answer(HandlerTable(handlers={34: handler}), RemotingCommand(34))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "HEART_BEAT (34) of 127.0.0.1:40000 is refused: HeartbeatData.consumerDataSet[0].consumeType:"
        " an object of 1 where one of CONSUME_ACTIVELY, CONSUME_PASSIVELY, CONSUME_POP belongs"
    )


def test_a_refusal_is_one_line_too(caplog):
    def handler(connection, request):
        raise Reject(17, "No topic route info")

    with caplog.at_level(logging.INFO):
        answer(HandlerTable(handlers={105: handler}), RemotingCommand(105))
    assert caplog.messages == [
        "GET_ROUTEINFO_BY_TOPIC (105) of 127.0.0.1:40000 is refused: code 17, No topic route info"
    ]


def test_a_refusal_that_no_client_expects_is_a_warning(caplog):
    def handler(connection, request):
        raise Reject(16, "the broker of this name is another one")

    answer(HandlerTable(handlers={103: handler}), RemotingCommand(103))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_refusals_of_one_code_are_limited_and_those_of_others_are_not_lost(caplog):
    def handler(connection, request):
        raise BadBody("no json")

    table = HandlerTable(handlers=dict.fromkeys((34, 103), handler))
    for code in (*[34] * 100, 103):
        answer(table, RemotingCommand(code))
    assert sum("HEART_BEAT" in line for line in caplog.messages) == 5
    assert sum("REGISTER_BROKER" in line for line in caplog.messages) == 1


def test_codes_that_somebody_makes_up_do_not_fill_the_memory(caplog):
    table = HandlerTable()
    table.hooks.append(Recorder(refuse=range(100_000)))
    for code in range(5_000, 6_000):
        answer(table, RemotingCommand(code))
    assert len(caplog.records) <= 5


def test_an_unexpected_exception_is_logged_with_peer_and_code(caplog):
    def handler(connection, request):
        raise KeyError("bro\nken")

    with caplog.at_level(logging.ERROR):
        reply = answer(HandlerTable(handlers={31: handler}), RemotingCommand(31))
    assert reply.code == 1
    assert reply.remark == "KeyError: 'bro\\nken'"
    (record,) = caplog.records
    assert "31" in record.getMessage()
    assert "127.0.0.1:40000" in record.getMessage()
    assert record.exc_info is not None


def test_one_code_has_one_handler():
    table = HandlerTable(handlers={1: lambda c, r: None})
    with pytest.raises(UsageError):
        table.register(1, lambda c, r: None)
    assert list(table.codes()) == [1]


def test_a_handler_can_take_the_place_of_another():
    table = HandlerTable(handlers={1: lambda c, r: r.create_response(0)})
    table.replace(1, lambda c, r: r.create_response(99))
    assert answer(table, RemotingCommand(1)).code == 99


class Recorder:
    def __init__(self, refuse=()):
        self.seen = []
        self.refuse = refuse

    def before_request(self, addr, request):
        self.seen.append(("before", addr, request.code))
        if request.code in self.refuse:
            raise Reject(16, "no permission")

    def after_response(self, addr, request, response):
        self.seen.append(("after", addr, response.code))
        response.remark = "hooked"


def test_hooks_see_requests_and_answers():
    table = HandlerTable(handlers={1: lambda c, r: r.create_response(5)})
    hook = Recorder()
    table.hooks.append(hook)
    assert answer(table, RemotingCommand(1)).remark == "hooked"
    assert hook.seen == [("before", "127.0.0.1:40000", 1), ("after", "127.0.0.1:40000", 5)]


def test_a_hook_may_refuse_before_the_handler():
    called = []
    table = HandlerTable(handlers={1: lambda c, r: called.append(1)})
    table.hooks.append(Recorder(refuse={1}))
    assert answer(table, RemotingCommand(1)).code == 16
    assert called == []


def test_what_the_system_refuses_is_one_line(caplog):
    def full(connection, request):
        raise OSError(28, "No space left on device", "/data/topics.json")

    answer = HandlerTable(handlers={7: full}).handle(Connection(HandlerTable()), RemotingCommand(7))
    assert answer.code == 1
    assert "No space left on device" in answer.remark
    assert "No space left on device" in caplog.text
    assert "Traceback" not in caplog.text
