"""Which failures are news."""

from rmqwire.broker.peers.troubles import Troubles


def test_the_same_failure_is_no_news_until_it_has_ended():
    troubles = Troubles()
    said = [troubles.failed("a", text) for text in ("no", "no", "busy", "no")]
    assert said == [True, False, True, True]
    assert troubles.failed("b", "no")
    assert (troubles.works("a"), troubles.works("a"), troubles.works("c")) == (4, 0, 0)
    assert troubles.failed("a", "no")
    assert troubles.works("b") == 1
