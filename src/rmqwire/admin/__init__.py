"""The verbs of ``mqadmin`` over the wire: what is asked and what is printed, without sockets."""
