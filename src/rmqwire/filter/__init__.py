"""Which messages a subscription wants: tags, SQL92 expressions and the bloom filter before them.

The room of ``rocketmq-filter`` and of the broker's message filters. Nothing here reads a file or a
socket. lark, which reads expressions, is imported when the first one is compiled.
"""
