"""Who may open a connection to a server, by its HTTP request."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from ..address import normal_origin, origin_is_loopback

if TYPE_CHECKING:
    from websockets.http11 import Request

__all__ = ["Access"]


class Access:
    """Answers plain HTTP requests with a page, and refuses WebSockets of web pages from elsewhere.

    Args:
        allow_origins: web pages that may connect besides those of this machine.
        page: the text for a browser that opens the server's address.
    """

    def __init__(self, allow_origins: frozenset[str], page: Callable[[], str]) -> None:
        self.closed = False
        """Whether nobody may connect any more."""
        self._origins = allow_origins
        self._page = page

    def check(self, request: Request) -> tuple[HTTPStatus, str] | None:
        """The answer to a request that may not become a connection; None if it may."""
        if self.closed:
            return HTTPStatus.SERVICE_UNAVAILABLE, "This server is closing.\n"
        if not request.headers.get_all("Upgrade"):
            return HTTPStatus.OK, self._page()
        for origin in request.headers.get_all("Origin"):
            if normal_origin(origin) not in self._origins and not origin_is_loopback(origin):
                return HTTPStatus.FORBIDDEN, (
                    f"The web page {origin[:200]} may not drive this robot. "
                    f"If it should, start the server with allow_origins=[...] naming it.\n"
                )
        return None
