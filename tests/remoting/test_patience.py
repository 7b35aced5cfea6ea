import pytest

from rmqwire.remoting.limits import Limits
from rmqwire.remoting.patience import IDLE_REASON, Patience

LIMITS = Limits(idle_ms=1_000, partial_frame_ms=300, handshake_ms=200)


def looks(*times: int, active=False, in_handshake=False, in_frame=False, frames=0):
    """Return what looks at these times say of a peer that goes on as it does."""
    patience = Patience(LIMITS)
    patience.overdue(0, frames, active=True, in_handshake=in_handshake, in_frame=in_frame)
    return [
        patience.overdue(
            mono_ms, frames, active=active, in_handshake=in_handshake, in_frame=in_frame
        )
        for mono_ms in times
    ]


@pytest.mark.parametrize(
    ("state", "last", "event"),
    [
        ({"in_handshake": True}, 200, "handshake"),
        ({"in_frame": True}, 300, "partial frame"),
        ({}, 1_000, "idle"),
    ],
)
def test_each_wait_ends_at_its_own_limit(state, last, event):
    before, at = looks(last - 1, last, **state)
    assert before is None
    assert at is not None
    assert at[0] == event


def test_an_idle_peer_is_told_by_its_reason():
    assert looks(1_000) == [("idle", IDLE_REASON)]


def test_who_says_something_isnt_idle():
    assert looks(1_000, 10_000, active=True) == [None, None]


def test_a_frame_that_ended_gives_the_next_one_its_own_time():
    patience = Patience(LIMITS)
    for frames in range(10):
        late = patience.overdue(
            frames * 299, frames, active=True, in_handshake=False, in_frame=True
        )
        assert late is None


def test_a_frame_is_waited_for_anew_after_a_look_without_one():
    patience = Patience(LIMITS)
    patience.overdue(0, 5, active=True, in_handshake=False, in_frame=True)
    patience.overdue(299, 5, active=True, in_handshake=False, in_frame=False)
    assert patience.overdue(300, 5, active=True, in_handshake=False, in_frame=True) is None
