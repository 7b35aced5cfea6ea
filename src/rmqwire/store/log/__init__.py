"""The commit log and the path of a put into it."""
