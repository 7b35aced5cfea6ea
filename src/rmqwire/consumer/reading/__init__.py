"""Reading queues: pulls, their answers, the messages between pull and commit."""
