"""What Java's client classes offer is here, or the page of names says by what or why not."""

import inspect
import json
import re
from pathlib import Path

import pytest

import rmqwire
from rmqwire.admin.admin import Admin
from rmqwire.client.client import Client
from rmqwire.client.config import ClientConfig, camel_case
from rmqwire.client.mq_admin import MQAdmin
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.consumer.pull import PullConsumer
from rmqwire.consumer.pull_config import LitePullConsumerConfig, PullConsumerConfig
from rmqwire.consumer.push import PushConsumer
from rmqwire.producer.config import ProducerConfig, TransactionProducerConfig
from rmqwire.producer.producer import Producer
from rmqwire.producer.transaction import TransactionProducer

ROOT = Path(__file__).parents[2]
API = json.loads((ROOT / "tests" / "data" / "java" / "client_api-5.5.0.json").read_text())
PAGE = (ROOT / "docs" / "reference" / "names.md").read_text()


def told(page):
    """Return Java's names in the left columns of a page's tables."""
    return {
        name
        for cell in re.findall(r"^\|([^|]*)\|", page, re.MULTILINE)
        for span in re.findall(r"`([^`]*)`", cell)
        for name in re.findall(r"\b[a-z]\w*", span)
    }


OURS = {
    "ClientConfig": (Client, ClientConfig),
    "MQAdmin": (MQAdmin, ClientConfig),
    "DefaultMQProducer": (Producer, ProducerConfig),
    "TransactionMQProducer": (TransactionProducer, TransactionProducerConfig),
    "DefaultMQPushConsumer": (PushConsumer, PushConsumerConfig),
    "DefaultLitePullConsumer": (LitePullConsumer, LitePullConsumerConfig),
    "DefaultMQPullConsumer": (PullConsumer, PullConsumerConfig),
    "MQPullConsumerScheduleService": (PullConsumer, PullConsumerConfig),
    "DefaultMQAdminExt": (Admin, ClientConfig),
}
VALUES = {
    "Message": rmqwire.Message,
    "MessageExt": rmqwire.MessageExt,
    "MessageQueue": rmqwire.MessageQueue,
    "QueryResult": rmqwire.QueryResult,
    "SendResult": rmqwire.SendResult,
    "TransactionSendResult": rmqwire.TransactionSendResult,
    "PullResult": rmqwire.PullResult,
    "PullTaskContext": rmqwire.PullTaskContext,
    "ConsumeConcurrentlyContext": rmqwire.ConsumeConcurrentlyContext,
    "ConsumeOrderlyContext": rmqwire.ConsumeOrderlyContext,
}
OF_ANY = {"toString", "equals", "hashCode", "compareTo"}
ACCESS = re.compile(r"(?:set|get|is)([A-Z])(\w*)")


def names_of(java):
    """Return the names of a class's methods, those of another's that it has from it left out."""
    return {signature.partition("(")[0] for signature in API[java]}


def property_of(name):
    """Return what a method sets or tells, as Java spells it; None: it does something else."""
    found = ACCESS.fullmatch(name)
    return None if found is None else found[1].lower() + found[2]


def ours(java):
    """Return Java's spellings of our methods, and of our settings."""
    cls, config = OURS[java]
    methods = {camel_case(name) for name, _ in inspect.getmembers(cls) if not name.startswith("_")}
    return methods, {camel_case(name) for name in config.__dataclass_fields__}


def missing(java):
    """Return Java's methods that are neither here under their own name nor a setting of ours."""
    methods, settings = ours(java)
    parents = names_of("ClientConfig")
    return {
        name
        for name in names_of(java)
        if name not in methods
        and name not in settings
        and property_of(name) not in methods | settings
        and not (name.startswith(("get", "is")) and _is_set(name, names_of(java) | parents))
    }


def _is_set(name, names):
    return re.sub(r"^(get|is)", "set", name) in names


@pytest.mark.parametrize("java", OURS)
def test_nothing_of_javas_is_missing_unseen(java):
    assert missing(java) - told(PAGE) == set()


def test_the_page_names_calls_of_the_admin_that_are_there():
    table = PAGE.partition("## From DefaultMQAdminExt")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `.*` \| (.*) \|$", table, re.MULTILINE)
    assert len(rows) > 40
    there = {*dir(Admin(None)), *dir(MQAdmin)}
    assert {name for cell in rows for name in re.findall(r"`(\w+)`", cell)} <= there


def parts(cls):
    """Return Java's spellings of what an object of ours has."""
    named = {name for one in cls.__mro__ for name in getattr(one, "__slots__", ())}
    return {camel_case(name) for name in {*dir(cls), *named} if not name.startswith("_")}


@pytest.mark.parametrize("java", VALUES)
def test_what_javas_messages_and_results_tell_ours_tell_too(java):
    there = parts(VALUES[java])
    missing = {name for name in names_of(java) if not {name, property_of(name)} & there}
    assert missing - told(PAGE) - OF_ANY == set()


def test_the_recorded_classes_are_all_compared():
    assert OURS.keys() | VALUES.keys() == API.keys()
    assert sum(len(methods) for methods in API.values()) > 400


def test_the_page_tells_of_nothing_that_is_here_under_javas_own_name():
    without = PAGE.partition("## What has no counterpart")[2]
    assert told(without)
    values = set().union(*map(names_of, VALUES))
    assert told(without) <= set().union(values, *map(missing, OURS))
