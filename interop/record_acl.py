"""Record what the access control classes of 4.9.7 answer: `python -m interop.record_acl`.

The questions are made here, the answers stand beside them in ``tests/data/acl``; tests compare ours.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from interop.jars import HERE, jar_folder
from interop.peer import make_home

VERSION = "4.9.7"
DATA = HERE.parent / "tests" / "data" / "acl"
HOME = "/tmp/rmqwire-acl"  # stands in the recorded names of files

ADDRESSES = [
    "127.0.0.1", "127.0.0.2", "127.0.1.1", "10.10.15.1", "10.10.15.12", "10.10.154.12", "10.1.15.12",
    "192.168.0.1", "192.168.0.100", "192.168.0.101", "192.168.1.1", "192.168.10.3", "192.169.1.1",
    "255.255.255.255", "0.0.0.0", "1.2.3.4", "11.2.3.4", "1.2.3.44", "256.1.1.1", "1.2.3", "host", "",
    "01.2.3.4", "1.2.3.04", "0:0:0:0:0:0:0:1", "::1", "::", "fe80::1", "FE80:0:0:0:0:0:0:1",
    "1050:0000:0000:0000:0005:0600:300c:326b", "1050::5:600:300c:326b", "1050::5:600:300c:1",
    "1050:0:0:0:5:600:300c:3b", "1050::0005:0600:300C:3:1", "2001:db8::ff00:42:8329",
    "2001:db8:0:0:0:ff00:42:8329", "2001:0DB8::FF00:0042:8329", "1:2:3:4:5:6:7:8", "::ffff:127.0.0.1",
    "[::1]", "fe80::1%eth0", "fe80::1%2", "2::ac5:78:1:fff", "2::ac5:78:200:0", "2:0:0:0:ac5:78:1:0",
    "2::ac5:78:201:0", "2::ac5:78:1", "g::1", "1::2::3",
]  # fmt: skip
PATTERNS = [
    "", " ", "*", "*.*.*.*", "*:*:*:*:*:*:*:*", "127.0.0.1", "127.0.0.2", " 127.0.0.1", "127.0.0.1 ",
    "127.0.0", "127.0.0.256", "127.0.0.*", "127.0.*.*", "127.*.*.*", "*.0.0.1", "127.0.*.1",
    "127.*.0.1", "127.0.0.1-2", "127.0.0.2-9", "127.0.0.0-0", "127.0.0-1.*", "127.0.0-1.1",
    "127.0-5.0.1", "127.0.0.5-1", "127.0.0.-5", "127.0.0.1-256", "127.0.0.1-", "127.0.0.a-b",
    "192.168.0.{1,100}", "192.168.{0,1}.1", "192.168.0.{1}", "192.168.0.{}", "192.168.0.{1,}",
    "192.168.0.{1,101,300}", "192.168.0.1{0,1}", "192.168.0.{1, 100}", "{1,2}.2.3.4", "192.168.{1,2}",
    "127.0.0.1,127.0.0.2", "127.0.0.1,host", "127.0.0.1,", ",127.0.0.1", "127.0.0.1, 127.0.0.2",
    "127.0.0.1,::1", "::1,fe80::1", "127.0.0.*,10.10.15.1", "127.0.0.1;10.10.15.1", "10.10.15.1-12",
    "10.10.15.*", "10.10.1.*", "10.10.*.*", "10.1.*.*", "1.2.3.*", "1.2.3.4", "1.2.3.4-44", "10.*.*.*",
    "10.*", "10.*.15.12", "10.10-11.*.*", "10.10.100-200.*", "10.10.15-200.*", "192.168.*.1",
    "192.168.0-9.*", "192.168.0-10.*", "192.168.1-10.*", "host", "localhost", "-", "--", "1-2", "*.*",
    "*.*.*", "a.b.c.*", "1.b.c.*", "1.2.c.*", "300.2.3.*", "1.300.3.*", "1.2.300.*", "1.2.3.4.*",
    "01.2.3.4", "01.2.3.*", "0.0.0.0", "255.255.255.*", "0.0.0.*", "255.255.255.250-255",
    "::", "::1", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "fe80::1", "FE80::1",
    "fe80::*", "fe80::1-2", "fe80::0-f", "1050::5:600:300c:326b", "1050:0:0:0:5:600:300c:326b",
    "1050::5:600:300c:*", "1050::0005:0600:300c:*", "1050::5:600:300c:1-4000", "1050::5:600:300c:1",
    "1050::5:600:*", "1050::5:600:1-ffff:*", "1050::5:600:300c:3-1", "1050::5:600:300c:-4",
    "1050::5:*:300c:1", "1050::5-6:600:300c:1", "1050::{5,6}:600:300c:1", "1050::5:600:300c:{1,3b}",
    "1050::5:600:300c:{3B,1}", "1050::5:600:300c:{326b}", "1050::5:600:300c:{}", "::{1,2}", "::{1,x}",
    "1050::5:600:300c:3{1,2}", "2::ac5:78:1-200:*", "2::ac5:78:1-200", "2::ac5:78:*", "2::*", "::*",
    "*::", "*:*:*:*", "1:2:3:4:5:6:7:*", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:*", "1:2:3:4:5:6:7-8:*",
    "1:2:3:4:5:6:7:8-9", "1:2:3:4:5:6:7:8:9", "2001:db8::ff00:42:8329", "2001:DB8::FF00:42:8329",
    "2001:db8::*", "2001:db8::ff00:42:8000-9000", "2001:db8::ff00:42:{8329,1}", "[::1]", "::1%eth0",
    "::ffff:127.0.0.1", "::ffff:127.0.0.*", "g::1", "g::*", "1::2::3", "1::2::*", "::g-h", "::1-fffff",
    "fe80::1,fe80::2", "FE80::1,::1", "2::ac5:78:1:fff,::1", "2::ac5:78:1-:*", "2::ac5:78:-1:*",
    "0:0:0:0:0:0:0:0-1", "0:0:0:0:0:0:0:*", "::0-0", "fe80:0:0:0:0:0:0:*", "fe80:0:0:0:0:0:*",
]  # fmt: skip

ACCESS, SECRET = "rocketmq2", "12345678"


def _signature(fields: dict[str, str] | None = None, body: bytes | None = None, **rest: str) -> Any:
    asked = {"code": 310, "accessKey": ACCESS, "secretKey": SECRET, "fields": fields, **rest}
    return asked if body is None else {**asked, "body": base64.b64encode(body).decode()}


SIGNATURES = [
    _signature(),
    _signature({}),
    _signature(body=b"x"),
    _signature({"b": "TopicA", "a": "group", "c": "TBW102", "i": "KEYS\x01k\x02"}, b"hello"),
    _signature({"B": "1", "a": "2", "_": "3", "Z": "4", "AA": "5"}),
    _signature({"AccessKey": "other", "Signature": "old", "topic": "T"}, b"body"),
    _signature({"SecurityToken": "sent", "topic": "T"}),
    _signature({"topic": "T"}, token="sts-token"),
    _signature({"topic": "T"}, token=""),
    _signature({"_UNIQUE_KEY_QUERY": "true", "topic": "T", "key": "K"}),
    _signature({"empty": "", "topic": ""}),
    _signature({"ключ": "значение", "é": "è", "topic": "主题"}, "тело".encode()),
    _signature({"\ue000": "private", "\U0001f600": "astral", "z": "last"}),
    _signature({"é": "1", "e": "2", "ﬀ": "3", "𝄞": "4"}),
    _signature({"topic": "😀 \x00 \n"}, bytes(range(256))),
    _signature({"topic": "T"}, b"b" * 5_000),
    _signature({f"k{number}": str(number * 7919) for number in range(50)}),
    _signature({"topic": "T"}, secretKey="ключ-😀-secret"),
    _signature({"topic": "T"}, secretKey="s" * 200),
    _signature({"topic": "T"}, accessKey="Доступ!"),
    *(_signature({"topic": f"T{n}", "group": "g" * n}, b"\xff" * n) for n in range(1, 60)),
]  # fmt: skip

ACCOUNTS = """\
globalWhiteRemoteAddresses:
- 10.10.103.*
- 192.168.0.*

accounts:
- accessKey: RocketMQ
  secretKey: 12345678
  whiteRemoteAddress:
  admin: false
  defaultTopicPerm: DENY
  defaultGroupPerm: SUB
  topicPerms:
  - topicA=DENY
  - topicB=PUB|SUB
  - topicC=SUB
  - topicD = PUB
  - topicE=sub
  groupPerms:
  # the group should convert to retry topic
  - groupA=DENY
  - groupB=PUB|SUB
  - groupC=SUB
  - groupD=PUB

- accessKey: rocketmq2
  secretKey: 12345678
  whiteRemoteAddress: 192.168.1.*
  # if it is admin, it could access all resources
  admin: true

- accessKey: adminWithPerms
  secretKey: 12345678
  admin: true
  defaultTopicPerm: PUB
  topicPerms: [topicA=SUB]

- accessKey: everything
  secretKey: 12345678
  defaultTopicPerm: SUB|PUB
  defaultGroupPerm: "PUB|SUB "

- {accessKey: nothing-given, secretKey: 1234567}
"""
KEYS = ["RocketMQ", "rocketmq2", "adminWithPerms", "everything", "nothing-given", "stranger"]
TOPICS = ["topicA", "topicB", "topicC", "topicD", "topicE", "other", "RMQ_SYS_TRACE_TOPIC",
          "%RETRY%groupA", "%RETRY%groupC", "%RETRY%other", "%DLQ%groupA"]  # fmt: skip
GROUPS = ["groupA", "groupB", "groupC", "groupD", "other"]


def _heartbeat(group: str, topic: str) -> str:
    body = {
        "clientID": "c", "producerDataSet": [{"groupName": "p"}],
        "consumerDataSet": [{"groupName": group, "subscriptionDataSet": [{"topic": topic}]}],
    }  # fmt: skip
    return base64.b64encode(json.dumps(body).encode()).decode()


def _requests() -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def ask(code: int, fields: dict[str, str] | None = None, body: str | None = None) -> None:
        for key in KEYS:
            asked.append({"code": code, "fields": fields, "body": body, "from": "127.0.0.1:5",
                          "accessKey": key, "secretKey": "1234567" if key == "nothing-given" else SECRET})  # fmt: skip

    for topic in TOPICS:
        ask(10, {"topic": topic, "group": "groupC"})
        ask(10, {"topic": topic, "group": "groupA"})
        ask(310, {"b": topic, "a": "groupC"})
        ask(320, {"b": topic, "a": "groupC"})
        ask(12, {"topic": topic})
    ask(10, {"group": "groupC"})
    for group in GROUPS:
        ask(36, {"group": group, "originTopic": "topicA"})
        ask(35, {"clientID": "c", "producerGroup": "p", "consumerGroup": group})
        ask(38, {"consumerGroup": group})
        for topic in ("topicA", "topicC", "topicB"):
            ask(11, {"topic": topic, "consumerGroup": group})
            ask(15, {"topic": topic, "consumerGroup": group, "queueId": "0", "commitOffset": "1"})
            ask(34, {}, _heartbeat(group, topic))
    ask(35, {"clientID": "c", "producerGroup": "p"})
    ask(34, {}, base64.b64encode(b'{"clientID":"c","consumerDataSet":[]}').decode())
    for code in (*range(60), *range(200, 362), 9999):
        if code not in {10, 11, 12, 15, 34, 35, 36, 38, 310, 320}:
            ask(code, {"topic": "topicA", "group": "groupA"})
    plain = {"code": 14, "fields": {"topic": "t"}, "from": "127.0.0.1:5"}
    asked += [
        plain,
        {**plain, "fields": None},
        {**plain, "fields": {}},
        {**plain, "fields": {"AccessKey": "RocketMQ"}},
        {**plain, "fields": {"AccessKey": "RocketMQ", "Signature": "wrong"}},
        {**plain, "fields": {"AccessKey": "nobody", "Signature": "wrong"}},
        {**plain, "accessKey": "RocketMQ", "secretKey": "87654321"},
        {**plain, "accessKey": "RocketMQ", "secretKey": SECRET, "token": "t"},
        {**plain, "from": "10.10.103.7:1"},
        {**plain, "from": "10.10.103.7:1", "fields": None},
        {**plain, "from": "192.168.1.9:1"},
        {**plain, "from": "192.168.1.9:1", "fields": {"AccessKey": "rocketmq2"}},
        {**plain, "from": "192.168.1.9:1", "fields": {"AccessKey": "RocketMQ"}},
        {**plain, "from": "192.168.1.9", "fields": {"AccessKey": "rocketmq2"}},
        {"code": 17, "from": "192.168.0.9:1"},
        {"code": 17, "from": "192.168.1.9:1", "fields": {"AccessKey": "rocketmq2"}},
    ]  # fmt: skip
    return asked


def _account(lines: str) -> str:
    return f"accounts:\n- accessKey: account\n  secretKey: 12345678\n{lines}"


ONE = {"code": 310, "fields": {"b": "T", "a": "g"}, "from": "127.0.0.1:5",
       "accessKey": "account", "secretKey": SECRET}  # fmt: skip
NUMBERS = {**ONE, "accessKey": "12345678"}
DECISIONS = [
    {"file": ACCOUNTS, "requests": _requests()},
    {"file": "", "requests": [ONE]},
    {"file": "# nothing\n", "requests": [ONE]},
    {"file": "globalWhiteRemoteAddresses: []\naccounts: []\n", "requests": [ONE]},
    {"file": "globalWhiteRemoteAddresses:\naccounts:\n", "requests": [ONE]},
    {"file": "globalWhiteRemoteAddresses: ['*']\n", "requests": [{**ONE, "accessKey": None}, ONE]},
    {"file": "globalWhiteRemoteAddresses: [127.0.0.1-500]\n", "requests": [ONE]},
    *(
        {"file": _account(lines), "requests": [ONE]}
        for lines in (
            "", "  admin: true\n", "  admin: 'true'\n", "  admin: yes\n", "  admin: 1\n", "  admin: 0\n",
            "  admin: TRUE\n", "  admin: 'no'\n", "  admin: 'maybe'\n", "  admin:\n",
            "  defaultTopicPerm: PUB\n", "  defaultTopicPerm: pub\n", "  defaultTopicPerm: 4\n",
            "  defaultTopicPerm: ' PUB '\n", "  defaultTopicPerm: PUB | SUB\n", "  defaultTopicPerm:\n",
            "  topicPerms: [T=PUB]\n", "  topicPerms: ['T = PUB ']\n", "  topicPerms: [T=PUB=SUB]\n",
            "  topicPerms: [T]\n", "  topicPerms: [T=]\n", "  topicPerms: [=T=PUB=]\n", "  topicPerms: []\n",
            "  topicPerms:\n", "  topicPerms: T=PUB\n", "  topicPerms: [T=DENY, T=PUB]\n",
            "  topicPerms: {T: PUB}\n", "  groupPerms: [g]\n", "  whiteRemoteAddress: 127.0.0.*\n",
            "  whiteRemoteAddress: host\n", "  whiteRemoteAddress: ''\n", "  unknownKey: 5\n",
            "  AccessKey: second\n", "  defaultTopicPerm: PUB\n- accessKey: account\n  secretKey: 87654321\n",
        )
    ),
    *(
        {"file": text, "requests": [ONE, NUMBERS]}
        for text in (
            "accounts:\n- accessKey: account\n", "accounts:\n- secretKey: '12345678'\n",
            "accounts:\n- accessKey: short1\n  secretKey: '12345678'\n",
            "accounts:\n- accessKey: account\n  secretKey: '123456'\n",
            "accounts:\n- accessKey: 12345678\n  secretKey: 12345678\n  defaultTopicPerm: PUB\n",
            "accounts:\n- accessKey: account\n  secretKey: 012345678\n  defaultTopicPerm: PUB\n",
            "accounts:\n- accessKey: account\n  secretKey: 1.5000000\n", "accounts: text\n",
            "accounts:\n- text\n", "accounts:\n  accessKey: account\n", "- a\n", "text\n", "a: [\n",
            "accounts:\n- accessKey: account\n  secretKey: \"12345678\"\n  accessKey: accounts\n",
        )
    ),
]  # fmt: skip


def _update(**account: Any) -> dict[str, Any]:
    return {"do": "update", "account": account}


FULL: dict[str, Any] = {
    "accessKey": "newAccount", "secretKey": "newSecret", "whiteRemoteAddress": "10.0.0.*", "admin": True,
    "defaultTopicPerm": "PUB", "defaultGroupPerm": "SUB", "topicPerms": ["a=DENY", "b=PUB|SUB"],
    "groupPerms": ["g=SUB"],
}  # fmt: skip
SMALL = {"accessKey": "account", "secretKey": "12345678"}
BEGIN = _account("  admin: false\n")
EDITS = [
    {"file": ACCOUNTS, "steps": [
        {"do": "look"}, _update(**FULL), _update(**FULL), _update(accessKey="newAccount", secretKey="other-secret"),
        _update(accessKey="RocketMQ", secretKey="87654321", topicPerms=["x=PUB"], admin=True),
        {"do": "delete", "accessKey": "rocketmq2"}, {"do": "delete", "accessKey": "nobody"},
        {"do": "delete", "accessKey": ""}, {"do": "delete", "accessKey": "newAccount"},
        {"do": "white", "addresses": ["1.2.3.4", "10.*.*.*"], "path": ""}, {"do": "look"},
    ]},
    {"file": None, "steps": [_update(**FULL), {"do": "white", "addresses": ["*"], "path": None}, {"do": "delete", "accessKey": "newAccount"}]},
    {"file": "", "steps": [{"do": "white", "addresses": ["127.0.0.1"], "path": None}, _update(**SMALL)]},
    {"file": "globalWhiteRemoteAddresses: []\n", "steps": [_update(**FULL)]},
    {"file": BEGIN, "steps": [
        _update(accessKey="short1", secretKey="12345678"), _update(accessKey="account", secretKey="short1"),
        _update(accessKey="account"), _update(**{**SMALL, "topicPerms": ["a"]}),
        _update(**{**SMALL, "topicPerms": ["a=XXX"]}), _update(**{**SMALL, "groupPerms": ["g=PUB=SUB"]}),
        _update(**{**SMALL, "topicPerms": []}), _update(**{**SMALL, "whiteRemoteAddress": ""}),
        _update(**{**SMALL, "whiteRemoteAddress": "nonsense"}), _update(**{**SMALL, "defaultTopicPerm": "NONSENSE"}),
        _update(**{**SMALL, "accessKey": "third-account", "whiteRemoteAddress": "nonsense"}),
        {"do": "white", "addresses": [], "path": None}, {"do": "white", "addresses": ["nonsense"], "path": None},
        {"do": "white", "addresses": ["1.1.1.1"], "path": "/etc/hosts"},
        {"do": "white", "addresses": ["1.1.1.1"], "path": f"{HOME}/conf/no.yml"},
    ]},
    {"file": BEGIN, "steps": [_update(**{**SMALL, "accessKey": key, "secretKey": secret}) for key, secret in (
        ("key with space", "12345678"), ("12345678", "0x123456"), ("true and no", "yes it is"), ("колл-ключ", "тайна-тайна"),
        ("'quoted'", '"quoted"'), ("# comment", "a: b c d"), ("- dashes", "trailing "), ("tabulated", "tab\tsecret"),
        ("1.2e+3-4", "2020-01-01"), ("~tilde~~", "=equals="), ("null!null", "null    "), ("!tagged!", "&anchor&"),
        ("*aliased", "%percent"), ("@at-sign", "`backtick"), ("{braces}", "[brackets]"), ("😀😀😀😀", "ü" * 90),
        ("a-long-key-" * 12, "words and " * 20),
    )]},
    {"file": "dataVersion:\n- counter: 5\n  timestamp: 1700000000000\n" + BEGIN, "steps": [{"do": "look"}, _update(**FULL)]},
    {"file": "other: kept\n" + BEGIN + "more:\n  deep: [1, 2.5, true, null, text]\n  empty: {}\n", "steps": [_update(**FULL)]},
]  # fmt: skip


def main() -> None:
    asked = {
        "patterns": PATTERNS, "addresses": ADDRESSES, "signatures": SIGNATURES, "decisions": DECISIONS, "edits": EDITS,
    }  # fmt: skip
    jars, home = jar_folder(VERSION), Path(HOME)
    make_home(home)
    with tempfile.TemporaryDirectory() as folder:
        classes, questions, answers = (
            Path(folder, name) for name in ("classes", "asked", "answered")
        )
        classes.mkdir()
        source = HERE / "java_acl" / "AclVectors.java"
        subprocess.run(["javac", "-nowarn", "-cp", f"{jars}/*", "-d", classes, source], check=True)
        questions.write_text(json.dumps(asked), "utf-8")
        command = ["java", f"-Drocketmq.home.dir={home}", f"-Duser.home={home}", "-Dfile.encoding=UTF-8",
                   "-cp", f"{classes}:{jars}/*", "AclVectors", questions, answers]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        answered = json.loads(answers.read_text("utf-8"))
    DATA.mkdir(parents=True, exist_ok=True)
    record = {
        "patterns": {"addresses": ADDRESSES, "verdicts": dict(zip(PATTERNS, answered["patterns"], strict=True))},
    }  # fmt: skip
    for name in ("signatures", "decisions", "edits"):
        record[name] = [
            {"asked": one, "answered": answer}
            for one, answer in zip(asked[name], answered[name], strict=True)
        ]
    for name, data in record.items():
        text = json.dumps(data, ensure_ascii=True, indent=None, separators=(",", ":"))
        (DATA / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
