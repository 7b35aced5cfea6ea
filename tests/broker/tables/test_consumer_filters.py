from __future__ import annotations

import logging

import pytest

from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.broker.tables.consumer_filters import ConsumerFilterManager
from rmqwire.codec.bodies import SubscriptionData
from rmqwire.codec.consume_queue import ext_address, unpack_ext_unit, unpack_unit
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from rmqwire.disk.table_file import ConfigFile
from rmqwire.filter.subscription import SQL92, build_subscription
from tests.filter import recordings
from tests.support.golden import RELEASE_NAMES
from tests.support.memory_files import MemoryFiles
from tests.support.stores import START_MS, Clock

PATH = "/store/config/consumerFilter.json"


def make(files=None, clock=None, release=V5_5_0, **config) -> ConsumerFilterManager:
    file = ConfigFile(PATH, files or MemoryFiles(), holds="filterDataByTopic")
    settings = BrokerConfig(enable_calc_filter_bit_map=True, **config)
    return ConsumerFilterManager(settings, release, file, clock or Clock())


def wish(expression: str = "a > 5", version: int = 7, topic: str = "T") -> SubscriptionData:
    return build_subscription(topic, expression, SQL92, version)


def told(filters: ConsumerFilterManager, topic: str = "T", group: str = "g"):
    """Return expression, version and whether it is dead; None when the group has none."""
    known = filters.find(topic, group)
    return known and (known.data.expression, known.data.client_version, known.data.dead)


def test_a_heartbeat_registers_conditions_and_no_tags():
    filters = make()
    filters.register("g", [wish(), build_subscription("U", "tag")])
    assert told(filters) == ("a > 5", 7, False)
    assert told(filters, "U") is None
    assert filters.find("T", "g").wants({"a": "6"})
    assert not filters.find("T", "g").wants({"a": "5"})
    assert not filters.find("T", "g").wants({})


def test_only_a_newer_version_changes_the_condition():
    filters = make()
    filters.register("g", [wish()])
    filters.register("g", [wish("a > 6")])
    filters.register("g", [wish("a > 6", 6)])
    assert told(filters) == ("a > 5", 7, False)
    filters.register("g", [wish("a > 5", 8)])
    assert told(filters) == ("a > 5", 8, False)
    filters.register("g", [wish("a > 6", 9)])
    assert told(filters) == ("a > 6", 9, False)


def test_a_condition_born_anew_has_its_own_birth():
    clock = Clock()
    filters = make(clock=clock)
    filters.register("g", [wish()])
    clock.now_ms += 1000
    filters.register("g", [wish(version=8)])
    assert filters.find("T", "g").data.born_time == START_MS
    filters.register("g", [wish("a > 6", 9)])
    assert filters.find("T", "g").data.born_time == START_MS + 1000


def test_a_wrong_condition_takes_the_old_one_away(caplog):
    filters = make()
    filters.register("g", [wish()])
    with caplog.at_level(logging.WARNING):
        filters.register("g", [wish("a >", 8), wish("a = 1", topic="U")])
    assert told(filters) is None
    assert told(filters, "U") == ("a = 1", 7, False)
    assert "the filter of g for T is refused: a >" in caplog.text


def test_a_type_that_is_no_filter_is_refused(caplog):
    filters = make()
    filters.register("g", [SubscriptionData(topic="T", sub_string="x", expression_type="X\n")])
    assert told(filters) is None
    assert r"no filter of type X\n" in caplog.text


def test_text_that_is_ignored_is_logged(caplog):
    make().register("g", [wish("a > 5 b > 5")])
    assert "the filter of g for T is read up to b > 5 only: a > 5 b > 5" in caplog.text


def test_a_topic_no_longer_wanted_and_a_group_that_has_gone_are_dead_and_come_back():
    clock = Clock()
    filters = make(clock=clock)
    filters.register("g", [wish(), wish(topic="U")])
    clock.now_ms += 1000
    filters.register("g", [wish()])
    assert [told(filters), told(filters, "U")] == [("a > 5", 7, False), ("a > 5", 7, True)]
    filters.register("g", [wish(topic="U")])
    assert [told(filters), told(filters, "U")] == [("a > 5", 7, True), ("a > 5", 7, False)]
    filters.unregister("g")
    filters.unregister("nobody")
    assert [told(filters)[2], told(filters, "U")[2]] == [True, True]
    assert filters.find("T", "g").data.dead_time == START_MS + 1000


def test_the_dead_are_removed_after_their_time():
    clock = Clock()
    filters = make(clock=clock, filter_data_clean_time_span=5000)
    filters.register("g", [wish()])
    filters.register("h", [wish()])
    filters.unregister("g")
    clock.now_ms += 4999
    filters.clean()
    assert told(filters) is not None
    clock.now_ms += 1
    filters.clean()
    assert told(filters) is None
    assert told(filters, group="h") == ("a > 5", 7, False)


def test_a_heartbeat_with_too_much_to_compile_is_taken_in_parts(caplog):
    filters = make()
    wishes = [wish("a > 5" + " " * 25_000, topic=f"T{number}") for number in range(4)]
    filters.register("g", wishes)
    assert [told(filters, one.topic) is not None for one in wishes] == [True, True, False, False]
    assert "g asks for too much at once" in caplog.text
    filters.register("g", wishes)
    assert all(told(filters, one.topic)[2] is False for one in wishes)


def test_a_message_that_does_not_fit_is_not_wanted_and_logged(caplog):
    filters = make()
    filters.register("g", [wish()])
    assert not filters.find("T", "g").wants({"a": "x"})
    assert (
        "the filter of g for T doesn't fit a message: a > 5: NumberFormatException" in caplog.text
    )


def test_operators_are_the_releases():
    filters = make(release=V4_9_7)
    filters.register("g", [wish("contains = 'x'")])
    assert filters.find("T", "g").wants({"contains": "x"})
    filters = make()
    filters.register("g", [wish("contains = 'x'")])
    assert told(filters) is None


# ---- the file


@pytest.mark.parametrize("version", RELEASE_NAMES)
def test_a_file_of_java_is_read_and_written_as_it_was(version):
    files = MemoryFiles()
    text = recordings.store(version)["config/consumerFilter.json"]
    files.makedirs("/store/config")
    files.put(PATH, text)
    filters = make(files, release=RELEASES[version])
    filters.load()
    assert told(filters, group="g1")[0] == "n > 3 AND TAGS = 'TagA'"
    assert filters.snapshot()() == text


def test_the_living_of_a_file_are_dead_until_their_heartbeat_comes():
    files, clock = MemoryFiles(), Clock()
    before = make(files, clock)
    before.register("g", [wish()])
    clock.now_ms += 60_000
    before.register("h", [wish()])
    clock.now_ms += 10_000
    filters = make(files, clock)
    filters.load()
    assert filters.find("T", "g").data.dead_time == START_MS + 40_000
    assert filters.find("T", "h").data.dead_time == filters.find("T", "h").data.born_time
    filters.register("g", [wish()])
    assert told(filters) == ("a > 5", 7, False)


def test_bits_of_another_size_are_not_used(caplog):
    files = MemoryFiles()
    make(files).register("g", [wish()])
    filters = make(files, expect_consumer_num_use_filter=64)
    filters.load()
    assert told(filters) is None
    assert "bit maps of another size" in caplog.text


def test_a_condition_of_the_file_that_is_wrong_now_takes_everything_until_the_next_version(caplog):
    files = MemoryFiles()
    make(files, release=V4_9_7).register("g", [wish("contains = 'x'")])
    filters = make(files)
    filters.load()
    assert filters.find("T", "g").wants({})
    assert "filter of g for T" in caplog.text
    filters.register("g", [wish("contains = 'x'", 8)])
    assert told(filters) is None


def test_a_disk_that_refuses_is_logged(caplog):
    files = MemoryFiles()
    files.fail("pwrite", "consumerFilter.json")
    filters = make(files)
    filters.register("g", [wish()])
    assert told(filters) is not None
    assert "consumerFilter.json not written" in caplog.text


# ---- bit maps


def test_a_topic_nobody_filters_has_no_bit_maps():
    assert make().bits_of("T") is None
    off = make()
    off._config.enable_calc_filter_bit_map = False
    off.register("g", [wish()])
    assert off.bits_of("T") is None


def test_a_bit_map_has_the_bits_of_all_groups_that_want_the_message():
    filters = make()
    filters.register("g", [wish("a = 1")])
    filters.register("h", [wish("a >= 1")])
    filters.register("i", [wish("a < 0")])
    bits = filters.bits_of("T")
    of = {group: filters.find("T", group).mask for group in "ghi"}
    assert int.from_bytes(bits({"a": "1"}), "little") == of["g"] | of["h"]
    assert int.from_bytes(bits({"a": "2"}), "little") == of["h"]
    assert bits({"a": "x"}) == bytes(14)


@pytest.mark.parametrize("version", RELEASE_NAMES)
def test_the_bit_maps_of_javas_store_are_ours(version):
    files = MemoryFiles()
    store = recordings.store(version)
    files.put(PATH, store["config/consumerFilter.json"])
    filters = make(files, release=RELEASES[version])
    filters.load()
    bits = filters.bits_of("T")
    name = "00000000000000000000"
    (log,) = [data for path, data in store.items() if path == f"commitlog/{name}"]
    address, seen = 0, []
    for number in range(30):
        place = unpack_unit(store[f"consumequeue/T/0/{name}"], 20 * number)
        assert place.tags_code == ext_address(address)
        unit = unpack_ext_unit(store[f"consumequeue_ext/T/0/{name}"], address)
        address += unit.size
        (message,) = iter_messages(log[place.physical_offset :][: place.size])
        if unit.bit_map:
            assert unit.bit_map == bits(message.properties)
            seen.append(any(unit.bit_map))
        known = filters.find("T", "g1")
        assert known.filter.wants_unit(unit) >= known.wants(message.properties)
    assert (len(seen), sum(seen)) == (20, 4)
