"""Name servers asked and changed by the verbs: two of them, one that doesn't answer."""

from __future__ import annotations

import json

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import WipeWritePermOfBrokerResponseHeader
from tests.admin.support import NAMESRV, Answers
from tests.cli.admin.conftest import admin, answered

TWO = f"127.0.0.1:1;{NAMESRV}"


def test_the_other_name_servers_are_told_where_one_does_not_answer(monkeypatch):
    def wiped(request):
        header = WipeWritePermOfBrokerResponseHeader(wipe_topic_count=7)
        return request.create_response(header=header)

    answered(monkeypatch, Answers({(NAMESRV, RequestCode.WIPE_WRITE_PERM_OF_BROKER): wiped}))
    words = ("wipeWritePerm", "-n", TWO, "-b", "broker-a")
    said = admin(*words, code=1)
    assert "wipe write perm of broker[broker-a] in name server[127.0.0.1:1] Failed" in said
    assert f"wipe write perm of broker[broker-a] in name server[{NAMESRV}] OK, 7" in said
    assert admin(*words, "--dry-run").startswith("would wipe the write permission of broker-a at ")


def test_settings_of_each_are_shown_and_changed(rmq):
    words = ("updateNamesrvConfig", "-k", "orderMessageEnable", "-v", "true")
    assert (
        admin(*words, "--dry-run") == f"would set orderMessageEnable=true at {rmq.namesrv_addr}\n"
    )
    admin(*words)
    shown = json.loads(admin("getNamesrvConfig", "--json"))
    assert shown["addr"] == rmq.namesrv_addr
    assert shown["settings"]["orderMessageEnable"] == "true"
    admin(*words[:-1], "false")


def test_tables_are_changed(rmq):
    set_key = ("updateKvConfig", "-s", "SPACE", "-k", "k", "-v", "v")
    assert admin(*set_key, "--dry-run") == "would set k=v in SPACE\n"
    assert json.loads(admin(*set_key, "--json")) == {"namespace": "SPACE", "key": "k", "value": "v"}
    remove = ("deleteKvConfig", "-s", "SPACE", "-k", "k")
    assert admin(*remove, "--dry-run") == "would remove k from SPACE\n"
    assert "success" in admin(*remove, "--yes")
