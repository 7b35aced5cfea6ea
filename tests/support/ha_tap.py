"""What a replication link says, byte by byte: where a fault can hit it, and what must hold there.

A tap follows the bytes of both directions, cut anywhere. It knows at which byte a point of the
grid is reached, and it writes down what no slave may report and no master may send.
"""

from __future__ import annotations

from rmqwire.codec.ha import (
    REPORT_SIZE,
    TRANSFER_HEADER_SIZE,
    unpack_report,
    unpack_transfer,
)

BEFORE_CONNECT = "before connect"
ACCEPTED = "accepted, no report"
PARTIAL_FIRST_REPORT = "partial 8 B report"
REPORTED = "reported, no data"
IN_HEADER = "inside 12 B header"
IN_BODY = "inside body"
BODY_COMPLETE = "body complete, not appended"
APPENDED = "appended, not reported"
PARTIAL_REPORT = "partial report"
IDLE = "idle"
PAST_SILENCE = "past 20 s"  # haHousekeepingInterval: both ends have given the link up
POINTS = (
    BEFORE_CONNECT,
    ACCEPTED,
    PARTIAL_FIRST_REPORT,
    REPORTED,
    IN_HEADER,
    IN_BODY,
    BODY_COMPLETE,
    APPENDED,
    PARTIAL_REPORT,
    IDLE,
    PAST_SILENCE,
)
CONNECTING = POINTS[:4]  # those that only a new link passes
QUIET = (IDLE, PAST_SILENCE)  # those at which nothing is said

_CUT_REPORT = 3  # bytes of a report that get through
_CUT_HEADER = 5  # bytes of a header that get through


class Watch:
    """What all links of a pair have shown: one object for the life of the pair.

    Attributes:
        reported: the largest offset that has reached the master in a report.
        wrong: what must never be seen on the wire.
    """

    def __init__(self):
        self.reported = -1
        self.wrong: list[str] = []


class Tap:
    """One link.

    Args:
        watch: where findings go.
        point: where a fault shall hit, None for a link that is only watched.

    Attributes:
        got: offset up to which bytes have passed to the slave.
        reported: the last offset that has passed to the master.
    """

    def __init__(self, watch: Watch, point: str | None = None):
        self.watch = watch
        self.point = point
        self._report = b""  # bytes of a report that is not whole
        self._header = b""
        self._body_left = 0
        self.got = -1
        self.reported = -1

    # --- slave to master ---------------------------------------------------------------------

    def up(self, data: bytes) -> int | None:
        """Follow a slave's bytes.

        Returns:
            How many of them pass before the fault hits, None if it doesn't. The others are not
            followed yet: they come again when the fault is over, if ever.
        """
        pos = 0
        while pos < len(data):
            need = REPORT_SIZE - len(self._report)
            report = self._report + data[pos : pos + need]
            if len(report) < REPORT_SIZE:
                self._report = report
                return None
            offset = unpack_report(report)
            hit = self._hit_by_report(offset)
            if hit is not None and not self._report:
                self.point = None
                self.up(data[pos : pos + hit])
                return pos + hit
            self._report = b""
            self._take_report(offset)
            pos += need
        return None

    def _hit_by_report(self, offset):
        """Return the bytes of this report that pass before the fault."""
        if self.reported < 0:
            return {PARTIAL_FIRST_REPORT: _CUT_REPORT, REPORTED: REPORT_SIZE}.get(self.point)
        if offset > self.reported:
            return {APPENDED: 0, PARTIAL_REPORT: _CUT_REPORT}.get(self.point)
        return None

    def _take_report(self, offset):
        if self.reported < 0:
            self.got = max(offset, 0)
        elif offset > self.got:
            self.watch.wrong.append(f"I10: a report of {offset} by a slave that got {self.got}")
        elif offset < self.reported:
            self.watch.wrong.append(f"I10: a report of {offset} after {self.reported}")
        self.reported = offset
        self.watch.reported = max(self.watch.reported, offset)

    # --- master to slave ---------------------------------------------------------------------

    def down(self, data: bytes) -> int | None:
        """Follow a master's bytes; gives the same as ``up``."""
        pos = 0
        while pos < len(data):
            if self._body_left:
                step = min(self._body_left, len(data) - pos)
                self._body_left -= step
                self.got += step
                pos += step
                continue
            need = TRANSFER_HEADER_SIZE - len(self._header)
            header = self._header + data[pos : pos + need]
            if len(header) < TRANSFER_HEADER_SIZE:
                self._header = header
                return None
            offset, size = unpack_transfer(header)
            hit = None if self._header else self._hit_by_range(size)
            if hit is not None and pos + hit <= len(data):
                self.point = None
                self.down(data[pos : pos + hit])
                return pos + hit
            self._header = b""
            self._take_header(offset, size)
            pos += need
        return None

    def _hit_by_range(self, size):
        """Return the bytes of this header and its body that pass before the fault."""
        if not size:
            return None
        return {
            IN_HEADER: _CUT_HEADER,
            IN_BODY: TRANSFER_HEADER_SIZE + size // 2,
            BODY_COMPLETE: TRANSFER_HEADER_SIZE + size,
        }.get(self.point)

    def _take_header(self, offset, size):
        if self.reported == 0 and self.got == 0:
            self.got = offset  # an empty slave starts where the master's last file does
        if offset != self.got:
            self.watch.wrong.append(f"a range at {offset} after {self.got}")
            self.got = offset
        self._body_left = size
