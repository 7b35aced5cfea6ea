"""Messages that wait for a time of their own, on disk (the files of ``TimerMessageStore``, RIP-43).

::

    timerwheel          a ring of slots, one for each tick of timerPrecisionMs over 14 days
    timerlog/           units of 52 bytes; those of one tick are a chain that hangs on its slot
    config/timercheck   up to which time messages were delivered, how far the queue was read

All three can be made again from the queue ``rmq_sys_wheel_timer`` of the commit log: ``recovery``.
Nothing here knows what a message is, waits, or has a clock.
"""
