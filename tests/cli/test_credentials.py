"""Where the commands find their credentials."""

from __future__ import annotations

import pytest

from rmqwire.auth.credentials import Credentials
from rmqwire.cli.credentials import found_credentials
from rmqwire.errors import ConfigError

ONE = Credentials("account", "canary-secret")


@pytest.fixture
def tools(tmp_path):
    path = tmp_path / "conf" / "tools.yml"
    path.parent.mkdir()
    path.write_text("accessKey: account\nsecretKey: canary-secret\n")
    return path


def test_nothing_is_signed_by_default(tmp_path):
    assert found_credentials({}) is None
    assert found_credentials({"ROCKETMQ_HOME": str(tmp_path)}) is None


def test_mqadmins_file_is_used(tools, tmp_path):
    assert found_credentials({"ROCKETMQ_HOME": str(tmp_path)}) == ONE
    assert found_credentials({"RMQWIRE_CREDENTIALS": str(tools)}) == ONE


def test_variables_come_first(tools, tmp_path):
    environ = {
        "ROCKETMQ_HOME": str(tmp_path),
        "RMQWIRE_ACCESS_KEY": "other",
        "RMQWIRE_SECRET_KEY": "secret",
        "RMQWIRE_SECURITY_TOKEN": "token",
    }
    assert found_credentials(environ) == Credentials("other", "secret", "token")


def test_a_file_without_keys_signs_nothing(tools, tmp_path):
    tools.write_text("accessKey:\nother: 1\n")
    assert found_credentials({"ROCKETMQ_HOME": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secretKey: canary-secret\n", "accessKey and secretKey belong together, one is missing"),
        ("secretKey: [canary\n", "line 2: it can't be read as YAML"),
        ("- canary\n", "it is no mapping"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_without_a_word_of_a_secret(tools, text, said):
    tools.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        found_credentials({"RMQWIRE_CREDENTIALS": str(tools)})
    assert str(tools) in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_named_file_has_to_be_there(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory"):
        found_credentials({"RMQWIRE_CREDENTIALS": str(tmp_path / "none.yml")})


def test_one_variable_without_the_other_is_refused():
    with pytest.raises(ConfigError, match="RMQWIRE_ACCESS_KEY, RMQWIRE_SECRET_KEY: "):
        found_credentials({"RMQWIRE_SECRET_KEY": "canary"})
