"""Apache RocketMQ's broker, name server and clients in Python, on trio.

The rooms, top to bottom (each imports only what lies below it)::

    cli                                    entry points
    inspector                              reading store files on disk
    broker | namesrv | producer | consumer
    ha | client                            replication, routes and typed calls
    store | remoting                       files, connections
    codec                                  bytes <-> values: no I/O, no clock, no trio
    errors
"""

__version__ = "0.1.0"
