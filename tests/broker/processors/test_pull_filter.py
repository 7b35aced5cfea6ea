"""Conditions (SQL92) in pulls, heartbeats and CHECK_CLIENT_CONFIG, as real brokers answer them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import CheckClientRequestBody, SubscriptionData
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.filter.subscription import SQL92
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PARSE_FAILED = "parse the consumer's subscription failed"
NO_FILTER = "The broker's consumer filter data is not exist!Your expression may be wrong!"
UNSUPPORTED = "The broker does not support consumer to filter message by "
COMPARED = "java.lang.RuntimeException: Value ''x'' cannot be compared."


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., MemoryBroker]]:
    made: list[MemoryBroker] = []

    def start(release=V5_5_0, **settings) -> MemoryBroker:
        settings = {"enable_property_filter": True} | settings
        made.append(MemoryBroker(tmp_path / str(len(made)), release, **settings))
        return made[-1]

    yield start
    for broker in made:
        broker.close()


def send(client: Client, *numbers: int, topic: str = "T", **properties: str) -> None:
    """Send messages whose property n is their number."""
    for number in numbers:
        values = {"UNIQ_KEY": str(number), "n": str(number), "TAGS": "A"} | properties
        text = "".join(f"{name}\x01{value}\x02" for name, value in values.items())
        assert client.call(requests.send(topic, properties=text)).code == 0


def numbers(answer: RemotingCommand) -> list[int]:
    return [int(message.properties["n"]) for message in iter_messages(answer.body)]


def sql(
    expression: str, offset: int = 0, expression_type: str = SQL92, **fields
) -> RemotingCommand:
    """Make a pull with a condition of its own that does not wait."""
    fields = {"sys_flag": 4} | fields
    return requests.pull(
        offset=offset, subscription=expression, expression_type=expression_type, **fields
    )


def check(expression: str, expression_type: str = SQL92) -> RemotingCommand:
    subscription = SubscriptionData(
        topic="T", sub_string=expression, expression_type=expression_type
    )
    body = CheckClientRequestBody(client_id="c", group="g", subscription_data=subscription)
    return RemotingCommand.request(46, body=body.encode())


def told(expression: str, version: int = 5, topic: str = "T") -> SubscriptionData:
    return SubscriptionData(
        topic=topic, sub_string=expression, expression_type=SQL92, sub_version=version
    )


def by_group(version: int = 5, topic: str = "T", **fields) -> RemotingCommand:
    """Make a pull by what the group has told."""
    fields = {"sys_flag": 0, "consumer_group": "g"} | fields
    return requests.pull(topic, sub_version=version, subscription=None, **fields)


# ---- pulls with a condition of their own


def test_a_pull_gets_what_its_condition_is_true_of(make):
    client = make().connect()
    send(client, *range(10))
    answer = client.call(sql("n > 4"))
    assert (answer.code, answer.remark, numbers(answer)) == (0, "FOUND", [5, 6, 7, 8, 9])
    assert answer.ext_fields["nextBeginOffset"] == "10"
    answer = client.call(sql("n > 100"))
    assert (answer.code, answer.remark) == (20, "NO_MATCHED_MESSAGE")
    assert answer.ext_fields["nextBeginOffset"] == "10"


@pytest.mark.parametrize(
    ("expression", "expression_type", "code", "remark"),
    [
        ("", SQL92, 23, PARSE_FAILED),
        ("n >", SQL92, 23, PARSE_FAILED),
        ("n > 4", "FOO", 23, PARSE_FAILED),
        ("||", "TAG", 23, PARSE_FAILED),
        (" || ", "TAG", 20, "NO_MATCHED_MESSAGE"),
        ("A", "TAG", 0, "FOUND"),
    ],
)
def test_what_is_no_condition_is_refused(make, expression, expression_type, code, remark):
    client = make().connect()
    send(client, 1)
    answer = client.call(sql(expression, expression_type=expression_type))
    assert (answer.code, answer.remark) == (code, remark)


@pytest.mark.parametrize("expression", ["n > 4", "n >"])
def test_without_property_filters_a_condition_is_not_supported(make, expression):
    broker = make(enable_property_filter=False)
    client = broker.connect()
    send(client, 1, 7)
    answer = client.call(sql(expression))
    assert (answer.code, answer.remark, answer.ext_fields) == (1, UNSUPPORTED + SQL92, {})
    answer = client.call(check(expression))
    assert (answer.code, answer.remark) == (1, UNSUPPORTED + SQL92)
    broker.state.config.enable_property_filter = True
    assert numbers(client.call(sql("n > 4"))) == [7]


# ---- CHECK_CLIENT_CONFIG


@pytest.mark.parametrize(
    ("expression", "expression_type", "code", "remark"),
    [
        ("n > 4", SQL92, 0, None),
        ("A || B", "TAG", 0, None),
        ("||", "TAG", 0, None),
        ("n > 'x'", SQL92, 23, COMPARED),
        ("", SQL92, 23, None),
        ("n > 4", "FOO", 23, "there is no filter of type FOO"),
    ],
)
def test_conditions_are_checked(make, expression, expression_type, code, remark):
    answer = make().connect().call(check(expression, expression_type))
    assert (answer.code, answer.remark) == (code, remark)


@pytest.mark.parametrize(("release", "plus"), [(V4_9_7, ""), (V5_5_0, '    "+" ...\n')])
def test_a_refusal_lists_what_the_release_expected(make, release, plus):
    answer = make(release).connect().call(check("n >"))
    assert answer.code == 23
    assert answer.remark == (
        'org.apache.rocketmq.filter.parser.ParseException: Encountered "<EOF>" at line 1, column 3.\n'
        'Was expecting one of:\n    "NOT" ...\n    "TRUE" ...\n    "FALSE" ...\n    "NULL" ...\n'
        "    <DECIMAL_LITERAL> ...\n    <FLOATING_POINT_LITERAL> ...\n    <STRING_LITERAL> ...\n"
        f'    <ID> ...\n    "(" ...\n    "-" ...\n{plus}    '
    )


def test_a_check_of_nothing_is_right(make):
    client = make().connect()
    assert client.call(RemotingCommand.request(46, body=b"{}")).code == 0


# ---- what groups have told


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0])
def test_a_group_is_judged_by_what_its_heartbeat_told(make, release):
    client = make(release).connect()
    send(client, *range(10))
    send(client, 1, topic="U")
    client.call(requests.heartbeat("c", {"g": [told("n > 4"), told("n >", topic="U")]}))
    assert numbers(client.call(by_group())) == [5, 6, 7, 8, 9]
    answer = client.call(by_group(version=6))
    assert (answer.code, answer.remark) == (25, "the consumer's subscription not latest")
    answer = client.call(by_group(topic="U"))
    assert (answer.code, answer.remark, answer.ext_fields) == (27, NO_FILTER, {})
    client.call(requests.heartbeat("c", {"g": [told("n > 7")]}))
    assert numbers(client.call(by_group())) == [5, 6, 7, 8, 9]
    client.call(requests.heartbeat("c", {"g": [told("n > 7", 6)]}))
    assert numbers(client.call(by_group(version=6))) == [8, 9]
    client.call(requests.heartbeat("c", {"g": [told("n >", 7)]}))
    assert client.call(by_group(version=7)).code == 27


def test_a_filter_older_than_the_subscription_is_not_latest(make):
    broker = make()
    client = broker.connect()
    send(client, 5)
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    broker.state.filters.find("T", "g").data.client_version = 4
    answer = client.call(by_group())
    assert (answer.code, answer.remark) == (28, "the consumer's consumer filter data not latest")


def test_without_property_filters_groups_are_known_and_not_served(make):
    client = make(enable_property_filter=False).connect()
    send(client, 5)
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    answer = client.call(by_group())
    assert (answer.code, answer.remark) == (1, UNSUPPORTED + SQL92)


def test_a_group_whose_last_member_has_gone_is_dead_in_the_file(make, tmp_path):
    broker = make()
    client = broker.connect()
    send(client, 5)
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    file = tmp_path / "0/config/consumerFilter.json"
    assert '"dead":false' in file.read_text()
    client.close()
    assert '"dead":true' in file.read_text()


def test_conditions_survive_a_restart_of_the_broker(make, tmp_path):
    client = make().connect()
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    text = (tmp_path / "0/config/consumerFilter.json").read_text()
    (tmp_path / "1/config").mkdir(parents=True)
    (tmp_path / "1/config/consumerFilter.json").write_text(text)
    assert make().state.filters.find("T", "g").data.dead


def test_a_file_that_a_killed_java_broker_left_empty_stops_no_start(make, tmp_path, caplog):
    """Its first write of one is cut off so; the heartbeats bring the conditions again."""
    file = tmp_path / "0/config/consumerFilter.json"
    file.parent.mkdir(parents=True)
    file.write_text("")
    client = make().connect()
    assert f"{file} is empty: starting without it" in caplog.text
    send(client, 4, 5)
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    answer = client.call(by_group())
    assert (answer.remark, numbers(answer)) == ("FOUND", [5])


# ---- waiting


@pytest.mark.parametrize("own", [True, False])
def test_a_held_pull_wakes_for_a_message_that_its_condition_is_true_of(make, own):
    client = make().connect()
    send(client, 1)
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    pull = sql("n > 4", 1, sys_flag=6) if own else by_group(offset=1, sys_flag=2)
    assert client.ask(pull) is None
    send(client, 2, 3)
    assert client.answer_to(pull) is None
    send(client, 5)
    answer = client.answer_to(pull)
    assert (answer.remark, numbers(answer)) == ("FOUND", [5])


def test_a_held_pull_is_answered_in_time_though_nothing_fits(make):
    broker = make()
    client = broker.connect()
    send(client, 1)
    pull = sql("n > 4", offset=1, sys_flag=6, suspend_timeout_millis=5000)
    assert client.ask(pull) is None
    send(client, 2)
    broker.pass_time(5000)
    answer = client.answer_to(pull)
    assert (answer.code, answer.ext_fields["nextBeginOffset"]) == (20, "2")


def test_the_check_of_held_pulls_lets_a_consumers_offset_go_on(make):
    broker = make()
    client = broker.connect()
    send(client, 1)
    pull = sql("n > 4", offset=1, sys_flag=6)
    assert client.ask(pull) is None
    send(client, 2)
    broker.state.held_pulls.check()
    answer = client.answer_to(pull)
    assert (answer.code, answer.ext_fields["nextBeginOffset"]) == (20, "2")


# ---- retry topics


@pytest.mark.parametrize(
    ("release", "support", "found"),
    [(V4_9_7, True, [5, 6]), (V4_9_7, False, [1, 5, 6]), (V5_5_0, True, [1, 5, 6])],
)
def test_retries_are_filtered_where_the_release_does(make, release, support, found):
    client = make(release, filter_support_retry=support).connect()
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    send(client, 1, 5, topic="%RETRY%g", RETRY_TOPIC="T")
    send(client, 6, topic="%RETRY%g")
    answer = client.call(requests.pull("%RETRY%g", consumer_group="g", sys_flag=4))
    assert numbers(answer) == found


def test_a_retry_topic_with_a_condition_is_filtered_by_the_first_topics(make):
    client = make(filter_support_retry=True).connect()
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    send(client, 1, 5, topic="%RETRY%g", RETRY_TOPIC="T")
    pull = requests.pull(
        "%RETRY%g", subscription="n < 0", expression_type=SQL92, consumer_group="g", sys_flag=4
    )
    assert numbers(client.call(pull)) == [5]


# ---- extended units


def test_bit_maps_keep_a_pull_from_looking_at_messages(make):
    broker = make(enable_consume_queue_ext=True, enable_calc_filter_bit_map=True)
    client = broker.connect()
    send(client, 9)
    client.call(requests.heartbeat("c", {"g": [told("n > 4")]}))
    broker.clock.ms += 1
    send(client, *range(10))
    known = broker.state.filters.find("T", "g")
    looked_at = []
    known.filter.wants = lambda properties: looked_at.append(properties["n"]) or True
    answer = client.call(by_group())
    assert numbers(answer) == [9, 5, 6, 7, 8, 9]
    assert looked_at == ["9", "5", "6", "7", "8", "9"]
