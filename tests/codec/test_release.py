from __future__ import annotations

import pytest

from rmqwire.codec.mq_version import version_name
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0, V5_5_1, release_named, release_of
from rmqwire.errors import ConfigError


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_a_release_announces_its_own_number(release):
    assert version_name(release.mq_version) == "V" + release.name.replace(".", "_")


def test_5_5_1_differs_from_5_5_0_in_what_its_broker_does_alone():
    assert (V5_5_1.wire, V5_5_1.store) == (V5_5_0.wire, V5_5_0.store)
    assert (V5_5_1.ha, V5_5_1.client) == (V5_5_0.ha, V5_5_0.client)
    assert V5_5_1.broker.shares_pull_offsets
    assert not V5_5_0.broker.shares_pull_offsets


@pytest.mark.parametrize(
    ("ordinal", "release"),
    [(0, V5_5_0), (407, V4_9_7), (412, V4_9_7), (413, V5_5_0), (515, V5_5_0)],
)
def test_a_peer_has_the_habits_of_4_9_or_of_5(ordinal, release):
    assert release_of(ordinal) is release


def test_a_release_that_is_not_there():
    with pytest.raises(
        ConfigError, match=r"rocketmqVersion=4\.8: not one of 4\.9\.7, 5\.5\.0, 5\.5\.1"
    ):
        release_named("4.8")
