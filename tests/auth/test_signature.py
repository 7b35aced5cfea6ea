"""What a signature covers and what it doesn't, and that no secret can be read from an object."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.auth.credentials import Credentials
from rmqwire.auth.signature import SigningHook, is_signed, signed_content, signing_hooks
from rmqwire.codec.command import JSON, ROCKETMQ, RemotingCommand, decode_command, encode_command
from rmqwire.errors import UsageError

FIELDS = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=6)


def check(command, secret):
    fields = command.ext_fields
    return is_signed(fields, command.body, secret.encode(), fields["Signature"])


@pytest.mark.parametrize("serialize_type", [JSON, ROCKETMQ])
@given(fields=FIELDS, body=st.binary(max_size=20), secret=st.text(min_size=1, max_size=9))
def test_what_was_signed_is_found_signed_at_the_other_end(serialize_type, fields, body, secret):
    if not secret.strip():
        secret = "secret"
    command = RemotingCommand(310, fields, body, serialize_type=serialize_type)
    try:
        SigningHook(Credentials("key", secret, "token")).before_request("", command)
        received = decode_command(encode_command(command))
    except UnicodeEncodeError:  # lone surrogates can't be sent
        return
    assert check(received, secret)
    assert not check(received, secret + "x")


@given(FIELDS, st.binary(max_size=5))
def test_a_changed_value_or_body_breaks_the_signature(fields, body):
    command = RemotingCommand(310, fields, body)
    SigningHook(Credentials("key", "secret")).before_request("", command)
    command.body = body + b"x"
    assert not check(command, "secret")
    command.body = body
    command.ext_fields["AccessKey"] = "other"
    assert not check(command, "secret")


def test_code_flag_and_names_are_not_signed_so_that_a_request_can_be_replayed_as_another():
    command = RemotingCommand(310, {"b": "topic"})
    SigningHook(Credentials("key", "secret")).before_request("", command)
    command.code, command.flag, command.remark = 17, 2, "x"
    fields = command.ext_fields
    fields["c"] = fields.pop("b")
    assert signed_content({"a": "topic"}, b"") == signed_content({"z": "topic"}, b"")
    assert check(command, "secret")


def test_a_request_that_is_sent_again_has_the_same_signature():
    hook, command = SigningHook(Credentials("key", "secret", "token")), RemotingCommand(310)
    hook.before_request("", command)
    first = dict(command.ext_fields)
    hook.before_request("", command)
    assert command.ext_fields == first
    assert set(first) == {"AccessKey", "SecurityToken", "Signature"}


def test_the_flag_of_a_query_by_unique_key_may_be_signed_or_not():
    """Java's client signs it, its broker of 4.9.7 doesn't: there such a query is never allowed."""
    command = RemotingCommand(12, {"topic": "T"})
    hook = SigningHook(Credentials("key", "secret"))
    hook.before_request("", command)
    command.ext_fields["_UNIQUE_KEY_QUERY"] = "true"
    assert check(command, "secret")
    hook.before_request("", command)
    assert check(command, "secret")
    command.ext_fields["_UNIQUE_KEY_QUERY"] = "false"
    assert not check(command, "secret")


def test_a_signature_that_is_no_ascii_is_wrong():
    assert not is_signed({"Signature": "é\ud800"}, b"", b"secret", "é\ud800")


def test_no_secret_is_printed():
    credentials = Credentials("key", "canary", "canary-token")
    command = RemotingCommand(310, {"topic": "T", "secretKey": "canary"})
    SigningHook(credentials).before_request("", command)
    signature = command.ext_fields["Signature"]
    for text in (repr(credentials), str(credentials), repr(command)):
        assert "canary" not in text
        assert signature not in text
    assert repr(credentials) == "Credentials(access_key='key')"
    assert pickle.loads(pickle.dumps(credentials)) == credentials


@pytest.mark.parametrize(("access", "secret"), [("", "s"), ("a", ""), (" ", "s"), ("a", "\t")])
def test_empty_credentials_are_refused(access, secret):
    with pytest.raises(UsageError, match="credentials need an access key and a secret key"):
        Credentials(access, secret)


def test_without_credentials_nothing_is_signed():
    assert signing_hooks(None) == []
