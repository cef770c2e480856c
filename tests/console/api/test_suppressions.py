"""The suppression list through the API, and the page that shows the whole of it."""

from __future__ import annotations

import re
import tempfile

import pytest

from campaigns.operations.api_tokens import Scope
from dialer.phone import mask
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console

NUMBER = "+14155550107"


def test_a_number_is_added_once_found_listed_and_removed(console: Console) -> None:
    with bearing(console, token(console, Scope.SUPPRESSIONS)) as http:
        asked = {"number": "(415) 555-0107", "country": "us", "reason": "asked us to"}
        assert [http.post("/api/v1/suppressions", json=asked).json()["added"] for _ in range(2)] == [True, False]
        (entry,) = http.get("/api/v1/suppressions").json()["items"]
        assert (entry["number"], entry["reason"], entry["source"]) == (mask(NUMBER), "asked us to", "token shop")
        assert http.post("/api/v1/suppressions/search", json={"number": NUMBER}).json()["items"] == [entry]
        removed = http.post("/api/v1/suppressions/remove", json={"number": NUMBER}).json()
        assert removed == {"removed": True, "remaining": 0}


def test_a_list_of_numbers_is_uploaded_and_bad_ones_are_named(console: Console) -> None:
    numbers = f"phone,reason\n{NUMBER},by letter\n12,\n"
    with bearing(console, token(console, Scope.SUPPRESSIONS)) as http:
        reply = http.post("/api/v1/suppressions/upload", files={"list": ("dnc.csv", numbers)}, data={"reason": "all"})
        assert (reply.json()["added"], reply.json()["rejected"]) == (1, 1)
        assert reply.json()["rejects"][0]["line"] == 3
        assert http.post("/api/v1/suppressions/upload", files={"lst": ("dnc.csv", numbers)}).status_code == 422
        bad = http.post("/api/v1/suppressions/upload", files={"list": ("dnc.csv", "name,town\nA,B\n")})
        assert (bad.status_code, bad.json()["type"]) == (422, "urn:dialer:no-numbers")
        assert tempfile.gettempdir() not in bad.text


@pytest.mark.parametrize("given", [{"number": "12"}, {"number": NUMBER, "account": "mian"}, {"phone": NUMBER}])
def test_what_is_no_entry_is_refused(console: Console, given: dict[str, str]) -> None:
    assert console.http.post("/api/v1/suppressions", json=given).status_code == 422


def test_the_page_of_the_document_loads_nothing_from_elsewhere(console: Console) -> None:
    page = console.http.get("/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for address in loaded:
        assert address.startswith("/")
        assert console.http.get(address).status_code == 200
    assert not re.search(r"<script>|<style|onload=", page.text), "its policy allows no such thing"
    assert console.http.get("/api/docs/secrets.json").status_code == 404


def test_no_page_of_another_site_reads_a_reply(console: Console) -> None:
    origin = {"Origin": "https://evil.test", "Access-Control-Request-Method": "GET"}
    assert console.http.options("/api/v1/campaigns", headers=origin).status_code == 405
    reply = console.http.get("/api/v1/campaigns", headers=origin)
    assert [name for name in reply.headers if name.startswith("access-control")] == []
