"""Tables that come in pages: whole, changed meanwhile, or shorter than they were said to be."""

from __future__ import annotations

import trio

from rmqwire.admin.paging import whole_table
from rmqwire.codec.bodies import DataVersion, TopicConfig, TopicConfigSerializeWrapper

ONE, TWO = DataVersion(counter=1), DataVersion(counter=2)


def page(version, *names):
    return TopicConfigSerializeWrapper({name: TopicConfig(name) for name in names}, version)


def read(*answers):
    """Return the names of the whole table, and what was asked."""
    asked, left = [], list(answers)

    async def ask(known, version):
        asked.append((known, version))
        return left.pop(0)

    async def whole():
        return await whole_table(ask, lambda one: one.topic_config_table)

    found = trio.run(whole)
    assert not left
    return list(found.topic_config_table), asked


def test_a_broker_without_pages_is_asked_once():
    assert read((page(ONE, "a", "b"), 0)) == (["a", "b"], [(0, "")])


def test_the_next_page_is_asked_for_by_what_is_there_and_its_version():
    names, asked = read((page(ONE, "a"), 3), (page(ONE, "b", "c"), 3))
    assert names == ["a", "b", "c"]
    assert asked == [(0, ""), (1, ONE.encode().decode())]


def test_a_table_that_changed_meanwhile_is_begun_again():
    names, _ = read((page(ONE, "a"), 2), (page(TWO, "b"), 2), (page(TWO, "c"), 2))
    assert names == ["b", "c"]


def test_pages_end_when_nothing_new_comes():
    names, _ = read((page(ONE, "a"), 9), (page(ONE, "a"), 9))
    assert names == ["a"]
