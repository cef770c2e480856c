"""What a reader sees of a page, and its forms as a browser sends them."""

from __future__ import annotations

import re
from typing import Any

import httpx

NASTY = "<script>alert('x')</script>"


def text_of(html: str) -> str:
    """The words of a page, without its tags."""
    return re.sub(r" (?=[.,:;])", "", " ".join(re.sub(r"<[^>]*>", " ", html).split()))


def token_of(html: str) -> str:
    """The hidden value that the forms of a page carry."""
    return html.partition('name="token" value="')[2].partition('"')[0]


def send(
    http: httpx.Client, page: str, action: str, fields: dict[str, Any] | None = None, **more: Any
) -> httpx.Response:
    """Fill in a form of this page and press its button."""
    html = http.get(page).text
    assert f'action="{action}"' in html, f"{page} has no form for {action}"
    return http.post(action, data={"token": token_of(html), **(fields or {})}, **more)
