"""A master that answers as Java's were recorded to."""

from __future__ import annotations

from rmqwire.codec.bodies import HARuntimeInfo
from rmqwire.codec.command import RemotingCommand, decode_command
from tests.support.golden import frame_files, frames

MASTER = "10.0.0.1:10911"
CODES = {"4.9.7": (21, 43, 45, 201), "5.5.0": (21, 43, 907, 45, 907, 201, 402, 61)}


async def reaches(_end: int) -> bool:
    return True


class Master:
    """Answers as it was recorded; ``by_code`` may be changed."""

    def __init__(self, release: str) -> None:
        self.by_code: dict[int, RemotingCommand | Exception] = {}
        self.asked: list[tuple[str, RemotingCommand]] = []
        self.requests: dict[int, RemotingCommand] = {}
        for path in frame_files("e_ha_metadata_sync"):
            if path.parts[-3:-1] == (release, "JSON-ha"):
                for entry, frame in frames(path):
                    if entry["link"] != "slave->master":
                        continue
                    command = decode_command(frame)
                    if entry["kind"] == "request":
                        self.requests[entry["opaque"]] = command
                    else:
                        self.by_code[self.requests[entry["opaque"]].code] = command
        if release != "4.9.7":
            self.by_code[907] = RemotingCommand(0, body=HARuntimeInfo(master=True).encode())

    async def invoke(self, addr, command, timeout_ms):
        self.asked.append((addr, command))
        answer = self.by_code[command.code]
        if isinstance(answer, Exception):
            raise answer
        return answer
