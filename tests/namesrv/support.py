"""A name server without sockets: its handlers, its tables, a clock that tests move."""

from __future__ import annotations

from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.files import RealFiles
from rmqwire.namesrv.config import load_namesrv_config
from rmqwire.namesrv.kv_config import KVConfigManager
from rmqwire.namesrv.requests import handlers_of
from rmqwire.namesrv.route_info import RouteInfoManager
from rmqwire.namesrv.state import NamesrvState
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable


class Clock:
    def __init__(self, now=1_000_000):
        self.now = now

    def __call__(self):
        return self.now


class Server:
    """All of a name server but its shell."""

    def __init__(self, text="", *, release=DEFAULT_RELEASE, home="", kv=True):
        self.config = load_namesrv_config(text, home)
        if not kv or not home:
            self.config.kv_config_path = ""
        self.clock = Clock()
        self.saved = []
        self.routes = RouteInfoManager(self.config)
        self.kv = KVConfigManager(self.config.kv_config_path, RealFiles(), release)
        self.state = NamesrvState(
            config=self.config,
            routes=self.routes,
            kv=self.kv,
            release=release,
            mono_ms=self.clock,
            save_config=self.saved.append,
        )
        self.table = HandlerTable(release, handlers_of(self.state))

    def connect(self, peer="127.0.0.1:40000"):
        return Connection(self.table, peer)

    def ask(self, code, header=None, body=b"", *, connection=None, **attributes):
        request = RemotingCommand.request(code, header, body)
        for name, value in attributes.items():
            setattr(request, name, value)
        return self.table.handle(connection or self.connect(), request)
