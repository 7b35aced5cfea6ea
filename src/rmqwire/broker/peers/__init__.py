"""Whom a broker talks to by itself: name servers, and a slave its master."""
