"""Tables are written as Java writes them, and a change costs the event loop only what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec import java_json
from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
from rmqwire.codec.release import RELEASES
from tests.broker.tables import test_groups, test_lmq_offsets, test_offsets, test_topics
from tests.support.memory_files import MemoryFiles

NAMES = st.sampled_from(["a", "b", 'q"uo', "ü\x7f", "%LMQ%x"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "change", "delete", "anew", "write"]), NAMES, st.integers(0, 2)
    ),
    max_size=12,
)


def topics(release: Any) -> Any:
    return test_topics.manager(release)


def groups(release: Any) -> Any:
    return test_groups.manager(release)


def offsets(release: Any) -> Any:
    return test_offsets.manager(release)


def light_offsets(release: Any) -> Any:
    return test_lmq_offsets.manager(MemoryFiles(), release)


def change_topic(table: Any, what: str, name: str, number: int) -> None:
    if what == "put":
        table.create_topic_in_send_message_back(name, 2, 6, 0)
    elif what == "change":
        table.update(TopicConfig(topic_name=name, read_queue_nums=number))
    elif what == "delete":
        table.delete(name)
    else:
        table.take_over(test_topics.manager(table._release).wrapper())


def change_group(table: Any, what: str, name: str, number: int) -> None:
    if what == "put":
        table.find("g" + name[:1])
    elif what == "change":
        table.update(SubscriptionGroupConfig(group_name=name, retry_max_times=number))
        table.update_forbidden(name, "t", number, forbid=number > 0)
        table.disable_consume(name)
    elif what == "delete":
        table.delete(name)
    else:
        table.take_over(test_groups.manager(table._release).wrapper())


def change_offset(table: Any, what: str, name: str, number: int) -> None:
    if what == "put":
        table.commit("h", name, f"t{number}", number, 7)
        table.commit_pull(name, f"t{number}", number, 9)
    elif what == "change":
        table.assign_reset(name, "t0", number, 3)
        table.clone(name, "clone", "t0")
    elif what == "delete":
        table.clean_group(name)
    else:
        table.take_over(b'{"offsetTable":{"new@g":{"1":5}}}')


def whole(table: Any) -> bytes:
    """Return the text of the whole table, made at once."""
    content = table.wrapper()
    if isinstance(content, dict) and table._release.broker.pull_offsets:
        content["pullOffsetTable"] = table.pull_table
    return java_json.dumps(content, table._release, pretty=True)


TABLES = {
    "topics": (topics, change_topic),
    "groups": (groups, change_group),
    "offsets": (offsets, change_offset),
    "light offsets": (light_offsets, change_offset),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_the_file_is_that_of_the_whole_table_after_any_history(kind: str, release: Any) -> None:
    make, change = TABLES[kind]

    @settings(max_examples=25, deadline=None)
    @given(STEPS)
    def check(steps: list[tuple[str, str, int]]) -> None:
        table = make(release)
        for what, name, number in [*steps, ("write", "", 0)]:
            if what == "write":
                assert table.snapshot()() == whole(table)
            else:
                change(table, what, name, number)

    check()


def fill(kind: str, table: Any, count: int) -> None:
    for number in range(count):
        TABLES[kind][1](table, "change" if kind == "groups" else "put", f"n{number}", 0)


@pytest.mark.parametrize("kind", ["topics", "offsets"])
def test_one_change_among_many_is_one_entry_of_work_and_none_of_it_in_the_loop(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, change = TABLES[kind]
    table = make(RELEASES["5.5.0"])
    with table.written_together() if kind == "topics" else table.writer.together():
        fill(kind, table, 1_000)
    table.snapshot()()
    written: list[str] = []
    write_entry: Callable[..., str] = java_json.write_entry

    def counting(key: str, *rest: Any) -> str:
        written.append(key)
        return write_entry(key, *rest)

    monkeypatch.setattr(java_json, "write_entry", counting)
    with table.writer.together():
        change(table, "put", "one more", 0)
        make_text = table.snapshot()
        assert written == []
        text = make_text()
    assert [key for key in written if "one more" in key] == written
    assert len(written) <= 2  # an offset, and how far was pulled
    assert text == whole(table)


def test_a_text_is_of_the_moment_when_it_was_asked_for() -> None:
    table = topics(RELEASES["5.5.0"])
    before = whole(table)
    make_text = table.snapshot()
    with table.written_together():
        table.table["TBW102"].perm = 2
        table.table.touch("TBW102")
        table.update(TopicConfig(topic_name="later"))
        assert make_text() == before
    assert table.snapshot()() == whole(table)
