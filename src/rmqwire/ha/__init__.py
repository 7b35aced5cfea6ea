"""Replication of the log from a master to its slaves, on RocketMQ's own HA socket.

``slave`` and ``master`` are the two ends of a link without their sockets, ``group_transfer`` the
sends that wait for slaves, ``service`` the sockets and clocks.
"""
