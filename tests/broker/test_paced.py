from __future__ import annotations

from rmqwire.broker.paced import Paced


class Clock:
    now = 1_000

    def __call__(self) -> int:
        return self.now


def under_way(items, rate, work=None):
    clock, done, ended = Clock(), [], []
    paced = Paced(clock)
    paced.start(items, rate, work or done.extend, ended.append)
    return clock, paced, done, ended


def test_the_first_item_is_done_at_once_and_the_others_at_the_rate():
    clock, paced, done, ended = under_way("abcd", 10.0)
    assert done == ["a"]
    clock.now += 99
    paced.tick()
    assert done == ["a"]
    clock.now += 101
    paced.tick()
    assert (done, ended) == (["a", "b", "c"], [])
    clock.now += 100
    paced.tick()
    assert (done, ended) == (["a", "b", "c", "d"], [None])
    paced.tick()
    assert ended == [None]


def test_without_a_rate_all_is_done_at_once():
    for rate in (0.0, -1.0):
        _, _, done, ended = under_way("abc", rate)
        assert (done, ended) == (["a", "b", "c"], [None])


def test_nothing_to_do_is_done():
    assert under_way("", 10.0)[3] == [None]


def test_an_error_ends_its_batch_alone():
    def refuse(items):
        raise OSError(28, "No space left on device")

    clock, paced, _, ended = under_way("ab", 10.0, refuse)
    assert [str(error) for error in ended] == ["[Errno 28] No space left on device"]
    done: list[str] = []
    paced.start("xy", 10.0, done.extend, ended.append)
    clock.now += 100
    paced.tick()
    assert done == ["x", "y"]
    assert ended[1:] == [None]
