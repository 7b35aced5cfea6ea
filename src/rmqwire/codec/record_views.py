"""Fields of a record at fixed places, for loops that look at a few of them.

The layout is that of :mod:`rmqwire.codec.record`, version 1 and 2 up to the system flag, and with IPv4
hosts (flags 0x10 and 0x20 not set) up to the body's length; a test holds each view to the layout. The
fields, with their offsets in bytes::

     0 TOTALSIZE   4 MAGICCODE       8 BODYCRC        12 QUEUEID        16 FLAG
    20 QUEUEOFFSET          28 PHYSICALOFFSET         36 SYSFLAG
    40 BORNTIMESTAMP        48 BORNHOST (8 or 20)     56 STORETIMESTAMP
    64 STOREHOST (8 or 20)  72 RECONSUMETIMES         76 PREPARED OFFSET
    84 body's length        88 body, then the topic's length (1), topic, properties' length (2), ...
"""

from __future__ import annotations

from struct import Struct
from typing import Final

PLACE: Final = Struct(">ii20xqi")  # TOTALSIZE MAGICCODE PHYSICALOFFSET SYSFLAG
UNIT_VIEW: Final = Struct(">4i4x2qi16xq20xi")
"""TOTALSIZE MAGICCODE BODYCRC QUEUEID, QUEUEOFFSET PHYSICALOFFSET SYSFLAG, STORETIMESTAMP, body's
length: what a consume queue unit is made of."""
KEYS_VIEW: Final = Struct(">2i28xi16xq20xi")
"""TOTALSIZE MAGICCODE, SYSFLAG, STORETIMESTAMP, body's length: what leads to a record's keys."""
STORE_TIMESTAMP_AT: Final = 56  # behind an IPv4 born host
STORE_TIMESTAMP_AT_V6: Final = 68
BODY_AT: Final = 88
