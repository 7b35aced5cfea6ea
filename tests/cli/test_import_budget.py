"""What a server loads before it serves: nothing that only other commands need."""

import subprocess
import sys

import pytest

NOT_WANTED = ("rich", "construct", "crcmod", "lark", "matplotlib")
MODULES = f"print([name for name in {NOT_WANTED!r} if name in sys.modules])"
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
        {MODULES}
        nursery.cancel_scope.cancel()
trio.run(main)
"""
NAMESRV = f"""
import sys
import rmqwire.cli.namesrv
{MODULES}
"""


@pytest.mark.parametrize("program", [BROKER, NAMESRV], ids=["broker", "namesrv"])
def test_a_server_loads_no_library_of_other_commands(program, tmp_path):
    command = [sys.executable, "-c", program, str(tmp_path / "store")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
