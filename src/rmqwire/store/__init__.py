"""The store on disk: commit log, consume queues, checkpoint (RocketMQ's module of that name).

Layout of the store folder, byte for byte Java's, in both directions::

    ROOT/commitlog/00000000000000000000    records of all topics, one after the other
    ROOT/commitlog/00000000001073741824    the name is the offset of the first byte
    ROOT/consumequeue/TOPIC/QUEUEID/00000000000000000000   20-byte units, one per message
    ROOT/batchconsumequeue/TOPIC/QUEUEID/..  46-byte units, one per record (queue.type=BatchCQ)
    ROOT/consumequeue_ext/TOPIC/QUEUEID/..   what units have no room for (enableConsumeQueueExt)
    ROOT/index/20231114221320000           which records a key leads to
    ROOT/checkpoint                        what was safe on disk up to which store time
    ROOT/abort                             there while the store is open
    ROOT/lock                              held while the store is open
    ROOT/rmqwire.mark                      ours: up to where the log is on the disk

Rules that the rest of this room keeps:

- A segment has its full size from the start (``posix_fallocate``), is written with ``pwrite`` and
  read with ``pread``. Nothing is written through mmap: a full disk would be SIGBUS there. Index and
  extension files are sparse, as Java's are: nothing that was promised depends on them.
- The commit log alone is the truth. Consume queues and the checkpoint are rebuilt from it.
- A record goes into a segment only if it leaves room for a BLANK filler of 8 bytes behind it;
  otherwise the rest of the segment becomes one BLANK record and the next segment begins.
- One pass (everything that one read of a socket brought) costs one ``pwrite`` per touched segment.
  Replies follow the write, in SYNC_FLUSH the ``fdatasync``; so does what readers can see.
- After a cut the bytes behind it are zeroed and synced before anything is served, so that an old
  record can't come back behind a new one of the same length.

Who does what: ``message_store`` is the facade; ``commit_log`` and ``consume_queue`` hold positions
and pending bytes over ``file_queue``; ``read`` answers pulls; ``recovery`` opens a store;
``group_commit`` keeps what waits for a flush; ``service`` is the trio shell with the timers.
"""
