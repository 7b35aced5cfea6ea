from __future__ import annotations

from rmqwire.codec import codes
from rmqwire.codec.mq_version import VERSION_NAMES
from tests.support.generators import load_generator
from tests.support.golden import protocol_table


def test_sources_are_what_the_generator_writes():
    for path, text in load_generator("gen_codes").sources().items():
        assert path.read_text("utf-8") == text, path.name


def test_every_request_code_has_javas_name_and_number():
    table = protocol_table("request_codes")["codes"]
    assert len(table) == 176
    assert {row["name"]: row["value"] for row in table} == {
        code.name: code.value for code in codes.RequestCode
    }


def test_every_response_code_has_javas_name_and_number():
    table = protocol_table("response_codes")["codes"]
    members = codes.ResponseCode.__members__  # with the second names of 209 to 211
    assert {row["name"]: row["value"] for row in table} == {
        name: member.value for name, member in members.items()
    }


def test_of_two_names_for_one_number_the_newer_leads():
    assert codes.ResponseCode(209).name == "POLLING_FULL"
    assert codes.ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED is codes.ResponseCode.POLLING_FULL


def test_languages_are_those_of_the_newer_release():
    assert (
        protocol_table("constants")["LanguageCode"]["5.5.0"]["__field_code"] == codes.LANGUAGE_CODES
    )
    assert codes.LANGUAGE_NAMES[3] == "PYTHON"


def test_names_for_logs():
    assert codes.request_name(310) == "SEND_MESSAGE_V2"
    assert codes.request_name(77777) == "77777"
    assert codes.response_name(17) == "TOPIC_NOT_EXIST"
    assert codes.response_name(-5) == "-5"


def test_version_ordinals_have_javas_names():
    ordinals = protocol_table("constants")["MQVersion$Version"]["both"]
    assert {name: codes.version_name(ordinal) for name, ordinal in ordinals.items()} == {
        name: name for name in ordinals
    }


def test_version_names_leave_no_gap_below_the_highest():
    assert sorted(VERSION_NAMES) == list(range(612))
    assert codes.version_name(0) == "V3_0_0_SNAPSHOT"
    assert codes.version_name(512) == "V5_5_0_SNAPSHOT"
    assert codes.version_name(99999) == "HIGHER_VERSION"
    assert codes.version_name(-1) == "-1"
