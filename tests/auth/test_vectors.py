"""Signatures, white lists, permissions and edited files are those of Java 4.9.7's own classes."""

from __future__ import annotations

import json
import re

import pytest

from rmqwire.auth.acl_edit import AclEditor
from rmqwire.auth.addresses import address_matcher
from rmqwire.codec.bodies import PlainAccessConfig
from rmqwire.codec.codes import RequestCode
from rmqwire.errors import AclError, ConfigError
from tests.auth.support import PATH, acl_of, recorded, request_of
from tests.support.memory_files import MemoryFiles

PATTERNS = recorded("patterns")
SIGNATURES = recorded("signatures")
DECISIONS = recorded("decisions")
EDITS = recorded("edits")
JAVA = "org.apache.rocketmq.acl.common.AclException: "
FORGOTTEN = {50, 51, 53, 54}  # requests about accounts that Java lets everybody make
BATCH = int(RequestCode.SEND_BATCH_MESSAGE)


@pytest.mark.parametrize("pattern", PATTERNS["verdicts"])
def test_a_pattern_matches_the_addresses_that_it_does_in_java(pattern):
    verdicts = PATTERNS["verdicts"][pattern]
    if verdicts and verdicts[0].startswith("refused"):
        with pytest.raises(AclError) as caught:
            address_matcher(pattern)
        if "AclException" in verdicts[0]:
            assert verdicts[0] == f"refused AclException: {caught.value}"
        return
    matches = address_matcher(pattern)
    ours = [matches(address) for address in PATTERNS["addresses"]]
    assert ours == [verdict == "1" for verdict in verdicts]


@pytest.mark.parametrize("case", SIGNATURES, ids=range(len(SIGNATURES)))
def test_a_request_is_signed_as_by_java(case):
    assert request_of(case["asked"]).ext_fields["Signature"] == case["answered"]


def verdict(acl, asked):
    try:
        acl.check(asked["from"], request_of(asked))
    except AclError as error:
        return f"{JAVA}{error}, org.apache.rocketmq.acl.{error.frame}"
    return None


def test_requests_are_allowed_and_refused_as_by_java():
    asked, answered = DECISIONS[0]["asked"], DECISIONS[0]["answered"]
    acl = acl_of(asked["file"])
    for question, answer in zip(asked["requests"], answered, strict=True):
        ours = verdict(acl, question)
        if answer is None and question["code"] in FORGOTTEN and ours is not None:
            assert "Need admin permission" in ours
        elif answer is None and question["code"] == BATCH and ours is not None:
            assert ours == verdict(acl, {**question, "code": 310})
        else:
            assert ours == answer, question


@pytest.mark.parametrize("case", DECISIONS[1:], ids=range(1, len(DECISIONS)))
def test_a_file_is_read_as_by_java_and_what_java_runs_open_with_stops_the_start(case):
    asked, answered = case["asked"], case["answered"]
    if answered[0] is not None and answered[0].startswith("refused"):
        with pytest.raises(ConfigError, match="aclEnable=true: "):
            acl_of(asked["file"])
        return
    acl = acl_of(asked["file"])
    assert [verdict(acl, question) for question in asked["requests"]] == answered


def without_times(text):
    return re.sub(r"\d{13}", "TIME", text)


def run(editor, step):
    if step["do"] == "update":
        account = {
            re.sub("[A-Z]", lambda m: "_" + m[0].lower(), k): v for k, v in step["account"].items()
        }
        editor.update_account(PlainAccessConfig(**account))
        return True
    if step["do"] == "delete":
        return editor.delete_account(step["accessKey"])
    if step["do"] == "white":
        return editor.set_white_addresses(step["addresses"], step["path"])
    return True


@pytest.mark.parametrize("case", EDITS, ids=range(len(EDITS)))
def test_files_are_edited_as_by_java(case):
    files = MemoryFiles()
    acl = acl_of(case["asked"]["file"], files=files)
    editor = AclEditor(acl, lambda: 1_795_957_877_198)
    for step, answer in zip(case["asked"]["steps"], case["answered"], strict=True):
        if step.get("addresses") == ["nonsense"]:  # Java writes what stops its next start
            with pytest.raises(AclError, match="Netaddress examine Exception"):
                run(editor, step)
            break
        if "error" in answer:
            with pytest.raises(AclError) as caught:
                run(editor, step)
            shown = re.sub("secretKey=(?!null)[^ ]+", "secretKey=******", answer["error"])
            assert str(caught.value) == shown
            continue
        done = run(editor, step)
        assert done == answer["done"], step
        assert without_times(bytes(files.data[PATH]).decode()) == without_times(answer["file"])
        shown = json.loads(editor.shown().encode())
        java = json.loads(answer["config"])
        for account in java["plainAccessConfigs"]:
            account["secretKey"] = "******"
        assert shown == java
