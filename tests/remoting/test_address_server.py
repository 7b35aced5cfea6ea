"""What an address server answers, and what is taken of it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rmqwire.errors import ConfigError
from rmqwire.remoting.address_server import address_url, fetch_addresses

ANSWERS: dict[str, tuple[int, bytes]] = {}


class Answering(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Say nothing: pytest has the output."""


@pytest.fixture
def web():
    server = HTTPServer(("127.0.0.1", 0), Answering)
    ANSWERS.clear()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("domain", "unit", "url"),
    [
        ("jmenv.tbsite.net", None, "http://jmenv.tbsite.net:8080/rocketmq/nsaddr"),
        ("10.0.0.1:80", None, "http://10.0.0.1:80/rocketmq/nsaddr"),
        ("10.0.0.1:80", " ", "http://10.0.0.1:80/rocketmq/nsaddr"),
        ("10.0.0.1:80", "u1", "http://10.0.0.1:80/rocketmq/nsaddr-u1?nofix=1"),
    ],
)
def test_the_url_is_javas(domain, unit, url):
    assert address_url(domain, "nsaddr", unit) == url


def test_the_first_line_is_taken(web):
    ANSWERS["/rocketmq/nsaddr"] = 200, b"  10.0.0.1:9876;10.0.0.2:9876\r\nmore\n"
    url = address_url(f"127.0.0.1:{web.server_port}", "nsaddr")
    assert fetch_addresses(url) == "10.0.0.1:9876;10.0.0.2:9876"


@pytest.mark.parametrize("body", [b"", b" \n ", b"<html>", b"10.0.0.1"])
def test_what_is_no_address_is_not_taken(web, body):
    ANSWERS["/x"] = 200, body
    with pytest.raises(ConfigError):
        fetch_addresses(f"http://127.0.0.1:{web.server_port}/x")


def test_another_status_is_an_error(web):
    ANSWERS["/x"] = 404, b"10.0.0.1:9876"
    with pytest.raises(OSError, match="404"):
        fetch_addresses(f"http://127.0.0.1:{web.server_port}/x")


def test_nobody_there():
    with pytest.raises(OSError, match="refused"):
        fetch_addresses("http://127.0.0.1:1/x")
