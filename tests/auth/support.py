"""What Java's access control answered (``python -m interop.record_acl``), and ours asked the same."""

from __future__ import annotations

import base64
import json

from rmqwire.auth.credentials import Credentials
from rmqwire.auth.plain_acl import PlainAcl
from rmqwire.auth.signature import SigningHook
from rmqwire.codec.command import RemotingCommand
from tests.support.golden import DATA
from tests.support.memory_files import MemoryFiles

HOME = "/tmp/rmqwire-acl"
PATH = f"{HOME}/conf/plain_acl.yml"
NOW_MS = 1_700_000_000_000


def recorded(name):
    return json.loads((DATA / "acl" / f"{name}.json").read_text("utf-8"))


def request_of(asked):
    """Return the request of a recorded question, signed if it names an account."""
    body = base64.b64decode(asked.get("body") or "")
    fields = None if asked.get("fields") is None else dict(asked["fields"])
    request = RemotingCommand(asked["code"], fields, body)
    if asked.get("accessKey"):
        sign(request, asked["accessKey"], asked["secretKey"], asked.get("token"))
    return request


def sign(request, access_key, secret_key, token=None):
    SigningHook(Credentials(access_key, secret_key, token)).before_request("", request)
    return request


def acl_of(text, *, path=PATH, files=None):
    """Return access control with one file, open."""
    files = files or MemoryFiles()
    put(files, path, text)
    acl = PlainAcl(HOME, files, lambda: NOW_MS)
    acl.open()
    return acl


def put(files, path, text):
    files.makedirs(path.rpartition("/")[0])
    if text is not None:
        files.put(path, text.encode())
