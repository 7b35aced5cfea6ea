"""The page of the gRPC clients says what was recorded."""

from interop.proxy.page import PAGE, page, recorded


def test_the_page_is_made_of_the_record() -> None:
    assert PAGE.read_text("utf-8") == page(recorded())
