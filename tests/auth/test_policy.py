"""Which entry of a user's policies decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.auth.policy import Resource, read_policies, shown_policies
from rmqwire.codec.bodies import PolicyEntryInfo, PolicyInfo
from rmqwire.errors import AclError

PUB = frozenset(("Pub",))
NAMES = st.text("ab*", max_size=4).map(lambda text: text.replace("*", "")) | st.sampled_from(
    ["a", "ab"]
)


def entry(resource, decision="Allow", actions=("Pub",), ips=None):
    return PolicyEntryInfo(
        resource=resource, actions=list(actions), source_ips=ips, decision=decision
    )


def policies(*entries, kind=None):
    return read_policies([PolicyInfo(policy_type=kind, entries=list(entries))])


def decide(found, name="orders", kind="Topic", host="10.0.0.1", actions=PUB):
    return found.decide(kind, name, actions, host)


@pytest.mark.parametrize(
    ("entries", "decision"),
    [
        ([entry("Topic:orders")], "Allow"),
        ([entry("topic:orders", "deny", ["PUB"])], "Deny"),
        ([entry("Topic:*", "Deny"), entry("Topic:ord*")], "Allow"),
        ([entry("Topic:ord*"), entry("Topic:orde*", "Deny")], "Deny"),
        ([entry("Topic:ord*", "Deny"), entry("Topic:orders")], "Allow"),
        ([entry("*", "Deny"), entry("Topic:*")], "Allow"),
        ([entry("*")], "Allow"),
        ([entry("Topic:orders", "Deny", ["Sub"]), entry("Topic:*")], "Allow"),
        ([entry("Topic:orders", actions=["All"])], "Allow"),
        ([entry("Group:orders")], None),
        ([entry("Topic:order")], None),
        ([entry("Topic:orders", ips=["10.0.0.1"])], "Allow"),
        ([entry("Topic:orders", ips=["10.0.0.2", "10.0.0.0/24"])], "Allow"),
        ([entry("Topic:orders", ips=["10.0.1.0/24", "fe80::/10"])], None),
    ],
)
def test_the_most_specific_entry_that_matches_decides(entries, decision):
    assert decide(policies(*entries)) == decision
    assert decide(policies(*reversed(entries))) == decision


def test_default_policies_count_where_no_custom_one_matches():
    found = policies(entry("Topic:orders", "Deny"), kind="Default")
    assert decide(found) == "Deny"
    found.update(policies(entry("Topic:*")))
    assert decide(found) == "Allow"


def test_a_request_that_names_nothing_needs_everything():
    assert decide(policies(entry("Topic:orders")), None) is None
    assert decide(policies(entry("Topic:o*")), None) is None
    assert decide(policies(entry("Topic:*")), None) == "Allow"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (entry("orders"), "The resource is null."),
        (entry(" "), "The resource is null."),
        (entry("Topic:a", actions=["Publish"]), "The actions is empty."),
        (entry("Topic:a", actions=["Any"]), "The actions can not be Any."),
        (entry("Topic:a", ips=[" "]), "The source ip is empty."),
        (entry("Topic:a", ips=["10.0.0.300"]), "The source ip is invalid."),
        (entry("Topic:a", "Perhaps"), "The decision is null or illegal."),
    ],
)
def test_what_cannot_be_used_is_refused_in_javas_words(wrong, said):
    with pytest.raises(AclError) as caught:
        policies(wrong)
    assert str(caught.value) == said


def test_empty_policies_are_refused():
    with pytest.raises(AclError, match="The policy entries is empty"):
        policies()
    with pytest.raises(AclError, match="The policies is empty"):
        read_policies([])


@given(
    st.lists(
        st.tuples(st.sampled_from(["Topic:", "Group:"]), NAMES, st.sampled_from(["", "*"])),
        min_size=1,
        max_size=5,
    )
)
def test_policies_are_shown_as_they_are_read(resources):
    found = policies(*(entry("".join(parts)) for parts in resources))
    shown = shown_policies("User:u", found)
    assert read_policies(shown.policies) == found
    assert all(Resource.read(one.resource).key == one.resource for one in shown.policies[0].entries)


def test_resources_are_filtered_unless_the_subject_has_the_text():
    found = policies(entry("Topic:orders"), entry("Topic:bills"))
    shown = shown_policies("User:clerk", found, "bill")
    assert [one.resource for one in shown.policies[0].entries] == ["Topic:bills"]
    assert shown_policies("User:clerk", found, "none").policies == []
    assert len(shown_policies("User:clerk", found, "clerk").policies[0].entries) == 2


def test_the_entry_of_a_resource_is_removed_and_the_last_takes_its_policy_along():
    found = policies(entry("Topic:a"), entry("Topic:b"))
    found.delete("Custom", Resource.read("Topic:a"))
    assert decide(found, "a") is None
    found.delete("Custom", Resource.read("Topic:b"))
    found.delete("Default", Resource.read("Topic:b"))
    assert found.entries == {}
