"""Remoting: commands over byte streams, as Java's ``org.apache.rocketmq.remoting`` does it.

Three layers, each usable alone::

    frame_reader.py   bytes -> frames                                       no I/O
    connection.py     frames -> commands, requests and their answers        no I/O
    dispatch.py       request code -> handler -> answer                     no I/O
    handler.py        what a handler is, and the peer that it sees          no I/O
    busy_wait.py      whether to look again and again before the loop sleeps   no I/O
    pooled_socket.py  one plain socket of a port and its Connection
    socket_pool.py    the plain sockets of a port and their Connections, many to a pass
    channel.py        one trio stream and its Connection
    server.py         listening sockets, the pool of each, a channel per other stream
    client.py         one channel per address, shared by all who call

Everything that one turn of the loop brought is handled in one synchronous *pass*: split, decode,
call the handlers, then the ``end_of_pass`` hook (the store writes there), then one send for each
connection of all its answers that are ready. A handler that can't answer yet returns None and later calls ``connection.reply``.
"""
