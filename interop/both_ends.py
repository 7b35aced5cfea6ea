"""How tests beside Java are shared out: few servers and clients start twice."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling


class FromBothEnds(LoadScopeScheduling):
    """Gives a process all tests of a file and a release, since they share servers.

    One process begins with the first release and the other with the last: those that the whole run
    shares start in one of them until the other has nothing left of its own.
    """

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # they are in order already
        self._releases = config.getoption("--rocketmq").split(",")

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return f"{file} {next((one for one in self._releases if one in test), '')}"

    def _assign_work_unit(self, node: Any) -> None:
        if node.gateway.id != "gw0":
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
