"""What a server loads before it serves: nothing that only other commands need, and not too much else.

The numbers are what a start takes now on the Python lane, and a little more. A module costs it a quarter of a
millisecond, a dataclass up to three: where one is over, import what is new at its first use (``LATER`` of the
processors, ``codec/exports.py``), and make the value a ``msgspec.Struct``.
"""

import subprocess
import sys

import pytest

NOT_WANTED = (
    "rich", "construct", "crcmod", "lark", "matplotlib",
    "json", "encodings.idna", "yaml", "javaproperties", "xml", "email", "http", "urllib.request", "asyncio", "lz4", "backports.zstd",
    "rmqwire.broker.processors.admin", "rmqwire.broker.processors.pop", "rmqwire.codec.headers.controller",
    "rmqwire.auth.auth_service", "rmqwire.broker.following", "rmqwire.filter.sql92", "rmqwire.ha.slave_client",
)  # fmt: skip
# Modules that Python itself has more: since 3.13 pathlib is a package, and takes glob, grp and pwd.
NEWER = 3 if sys.version_info >= (3, 13) else 0
TELL = f"""
import dataclasses
ours = [module for name, module in sys.modules.items() if name.startswith("rmqwire.")]
dear = {{value for module in ours for value in vars(module).values() if dataclasses.is_dataclass(value)}}
print([name for name in {NOT_WANTED!r} if name in sys.modules])
print(len(sys.modules), len(ours), len(dear))
"""
BROKER = f"""
import sys, trio
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.broker import serve_broker
settings = {{
    "listenPort": "0", "bindAddress": "127.0.0.1", "brokerIP1": "127.0.0.1",
    "storePathRootDir": sys.argv[1], "mappedFileSizeCommitLog": "1048576",
}}
async def main():
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_broker, load_broker_config(None, settings))
        exec({TELL!r}, {{"sys": sys}})
        nursery.cancel_scope.cancel()
trio.run(main)
"""
NAMESRV = f"""
import sys
import rmqwire.cli.namesrv
exec({TELL!r}, {{"sys": sys}})
"""


@pytest.mark.parametrize(
    ("program", "budget"),
    [(BROKER, (588 + NEWER, 325, 1)), (NAMESRV, (380 + NEWER, 118, 1))],
    ids=["broker", "namesrv"],
)
def test_a_server_loads_what_it_needs_to_serve(program, budget, tmp_path):
    command = [sys.executable, "-c", program, str(tmp_path / "store")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    not_wanted, *numbers = done.stdout.splitlines()[-2:]
    assert not_wanted == "[]", done.stderr
    loaded = tuple(map(int, numbers[0].split()))
    assert all(have <= most for have, most in zip(loaded, budget, strict=True)), loaded
