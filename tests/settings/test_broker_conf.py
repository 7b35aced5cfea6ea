from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rmqwire.broker.names import MAX_QUEUE_NUMS
from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.codec.consume_queue import BATCH_UNIT, UNIT
from rmqwire.codec.release import RELEASES, V5_5_1
from rmqwire.settings.key import HONOURED, KINDS, java_text
from rmqwire.settings.rows.broker_conf import KEYS, SECTIONS
from rmqwire.settings.rows.tls import TLS
from rmqwire.store.config import StoreConfig
from rmqwire.store.queues.ext_files import MIN_EXT_SEGMENT
from tests.support.golden import protocol_table
from tools import gen_conf_pages

OF_TLS = {key.attribute for key in TLS} | {"use_tls"}  # tests/settings/test_tls.py
ATTRIBUTES = {*BrokerConfig.__struct_fields__, *StoreConfig.__struct_fields__}
# Read on the way, yet without the feature that would make a difference.
READ_TOO = {"duplicationEnable", "offsetCheckInSlave"}
SOURCE = Path(gen_conf_pages.__file__).parent.parent / "src" / "rmqwire"
# Set by Java's start-up code over what its classes say, or made of the machine it was read on.
EFFECTIVE = {"brokerName", "listenPort", "haListenPort"}


def _java_keys() -> list[tuple[str, dict[str, Any]]]:
    broker = protocol_table("broker_config_keys")
    netty = protocol_table("namesrv_config_keys")
    sections = [broker[name] for name in broker if not name.startswith("_")]
    sections += [netty["NettyServerConfig"], netty["NettyClientConfig"]]
    return [(entry["name"], entry) for section in sections for entry in section]


@pytest.mark.parametrize(("name", "entry"), _java_keys())
def test_every_key_of_java_is_in_the_table(name, entry):
    key = KEYS[name]
    for release in RELEASES.values():
        column = entry.get("both") or entry.get(release.name)
        if column is None:
            continue
        assert key.java_type == column["type"]
        if name not in EFFECTIVE:
            text = key.defaults[release.name]
            value = text if text.startswith("${") else key.default(release)
            assert value == column["default"], name


def test_keys_that_5_5_1_added_and_dropped():
    table = protocol_table("config_keys_5_5_1")
    for name, java in table["added"].items():
        key = KEYS[name]
        assert (list(key.defaults), key.java_type) == (["5.5.1"], java["type"])
        assert java_text(key.default(V5_5_1)) == java["default"]
    assert [list(KEYS[name].defaults) for name in table["dropped"]] == [["5.5.0"]]


def test_each_key_stands_in_one_section_with_a_kind_and_a_reason():
    assert len(KEYS) == sum(len(section) for section in SECTIONS.values())
    for key in KEYS.values():
        assert key.kind in KINDS
        assert key.reason


def _read_attributes() -> set[str]:
    """Collect every setting that code reads: as ``config.name``, or ``self.name`` of its class."""
    names: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        own = path.parts[-3:] == ("broker", "settings", "values.py") or path.parts[-2:] == (
            "store",
            "config.py",
        )
        holder = "(?:config|self|broker)" if own else "config"
        names |= set(re.findall(holder + r"\.([a-z_0-9]+)\b", path.read_text("utf-8")))
    return names


def test_an_honoured_key_is_an_attribute_that_code_reads():
    read = _read_attributes() | {"rocketmq_version"}
    honoured = {key.attribute for key in KEYS.values() if key.kind == HONOURED} - OF_TLS
    assert honoured <= ATTRIBUTES | {"rocketmq_version"}
    assert honoured - read == set(), "called honoured, but nothing reads them"


def test_a_key_that_code_reads_is_called_honoured():
    named = {key.attribute: key for key in KEYS.values()}
    read = {name for name in ATTRIBUTES & _read_attributes() if name in named}
    assert {named[name].name for name in read if named[name].kind != HONOURED} <= READ_TOO


@pytest.mark.parametrize("page", gen_conf_pages.PAGES, ids=lambda page: page.file.name)
def test_the_page_is_the_table(page):
    assert page.file.read_text("utf-8") == page.text(), "run python -m tools.gen_conf_pages"


def test_bounds_that_come_from_a_layout_are_its_own():
    lowest = {
        "mappedFileSizeConsumeQueue": UNIT,
        "mapperFileSizeBatchConsumeQueue": BATCH_UNIT,
        "mappedFileSizeConsumeQueueExt": MIN_EXT_SEGMENT,
    }
    for name, low in lowest.items():
        assert getattr(KEYS[name].values, "low") == low  # noqa: B009
    for name in ("defaultTopicQueueNums", "reviveQueueNum"):
        assert getattr(KEYS[name].values, "high") == MAX_QUEUE_NUMS  # noqa: B009
    assert getattr(KEYS["rocketmqVersion"].values, "words") == tuple(RELEASES)  # noqa: B009
