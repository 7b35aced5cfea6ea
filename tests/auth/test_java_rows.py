"""Users and policies as Java 5.5.0 kept them in RocksDB, row by row."""

from __future__ import annotations

import json

import pytest

from rmqwire.auth.java_rows import read_rows
from rmqwire.codec.bodies import PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.errors import BadBody

ADMIN = (
    b'{"password":"admin-secret","subjectType":1,"userStatus":1,"userType":1,"username":"admin"}'
)
GONE = b'{"password":"gone-secret","subjectType":1,"userStatus":2,"userType":2,"username":"gone"}'
ACL = b"""{"policies":[{"entries":[
{"actions":[3,4],"decision":1,"environment":{"sourceIps":["10.0.0.0/8"]},"resource":{"resourceName":"ta","resourcePattern":2,"resourceType":4}},
{"actions":[1],"decision":2,"environment":{},"resource":{"resourceName":"secret","resourcePattern":3,"resourceType":5}},
{"actions":[8,9],"decision":1,"resource":{"resourcePattern":1,"resourceType":2}},
{"actions":[5,6,7],"decision":1,"resource":{"resourcePattern":1,"resourceType":1}}],"policyType":1},
{"entries":[{"actions":[3],"decision":2,"resource":{"resourcePattern":1,"resourceType":4}}],"policyType":2}],
"subject":{"subjectType":1,"username":"gone"}}"""


def test_a_row_is_a_user_with_the_policies_of_its_subject():
    rows = read_rows({b"admin": ADMIN, b"gone": GONE}, {b"User:gone": ACL, b"User:nobody": ACL})
    assert rows == [
        (UserInfo("admin", "admin-secret", "Super", "enable"), []),
        (
            UserInfo("gone", "gone-secret", "Normal", "disable"),
            [
                PolicyInfo(
                    "Custom",
                    [
                        PolicyEntryInfo("Topic:ta", ["Pub", "Sub"], ["10.0.0.0/8"], "Allow"),
                        PolicyEntryInfo("Group:secret*", ["All"], None, "Deny"),
                        PolicyEntryInfo("Cluster:*", ["Get", "List"], None, "Allow"),
                        PolicyEntryInfo("*", ["Create", "Update", "Delete"], None, "Allow"),
                    ],
                ),
                PolicyInfo("Default", [PolicyEntryInfo("Topic:*", ["Pub"], None, "Deny")]),
            ],
        ),
    ]


@pytest.mark.parametrize(
    "row", [b"", b"[]", b"{}", ADMIN.replace(b":1,", b":7,"), ADMIN.replace(b"username", b"u")]
)
def test_a_user_that_cannot_be_read_is_named_and_its_password_not(row):
    with pytest.raises(BadBody, match="the row of user b'admin' can't be read") as caught:
        read_rows({b"admin": row}, {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["policyType", "entries", "actions", "decision", "resourceName"])
def test_policies_with_something_missing_are_not_read_in_part(name):
    row = json.dumps(json.loads(ACL)).replace(name, "other").encode()
    with pytest.raises(BadBody, match="the policies of b'User:gone' can't be read"):
        read_rows({b"gone": GONE}, {b"User:gone": row})


@pytest.mark.parametrize("key", [b"gone", b"User\xff:gone"])
def test_a_row_of_policies_of_no_user_is_refused(key):
    with pytest.raises(BadBody, match="is no subject"):
        read_rows({}, {key: ACL})
