"""Binding a port."""

import errno

import pytest

from rmqwire.remoting.listen import listen, port_of


async def test_a_port_that_is_taken_is_named():
    (first,) = await listen("127.0.0.1", 0)
    port = first.socket.getsockname()[1]
    with pytest.raises(OSError, match="Address already in use") as caught:
        await listen("127.0.0.1", port)
    assert (caught.value.errno, caught.value.filename) == (errno.EADDRINUSE, f"127.0.0.1:{port}")
    await first.aclose()


async def test_no_host_means_all_addresses():
    (listener,) = await listen("", 0)
    assert listener.socket.getsockname()[0] == "0.0.0.0"
    await listener.aclose()


@pytest.mark.parametrize(
    ("number", "blamed"),
    [
        (errno.EADDRINUSE, "haListenPort"),
        (errno.EACCES, "haListenPort"),
        (errno.EADDRNOTAVAIL, "bindAddress"),
    ],
)
def test_the_error_names_the_setting_that_the_port_came_from(number, blamed):
    with pytest.raises(OSError, match="why") as caught, port_of("haListenPort"):
        raise OSError(number, "why", "127.0.0.1:10912")
    assert (caught.value.errno, caught.value.filename) == (number, f"127.0.0.1:10912 ({blamed})")
