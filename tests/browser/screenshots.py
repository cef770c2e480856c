"""`make screenshots`: every page of the console in both sizes and themes, into docs/images/console, as WebP.

The pages are of a stack with a sandbox and example campaigns: one is over, one goes on, one is paused.
"""

from __future__ import annotations

import base64
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from tests.browser.pages import addresses, begin_campaign, check_numbers
from tests.support import loopback
from tests.support.browser import DESK, PHONE, THEMES, Visitor, chromium, visitor
from tests.support.dialers import wait_for
from tests.support.examples import EXAMPLES
from tests.support.shell import Shell
from workers.stack.info import running_stack

IMAGES = Path(__file__).parents[2] / "docs" / "images" / "console"
SIZES = {"desk": DESK, "phone": PHONE}
QUALITY = 40  # of 100
SETTINGS = """\
[accounts.callgear]
provider = "callgear"
access_token = "sandbox-key"
pace = 12

[accounts.main]
provider = "callgear"
access_token = "sandbox-key"
pace = 12

[accounts.webex]
provider = "webex"
service_key = "sandbox-key"
pace = 12

[webhooks]
internal_networks = ["127.0.0.1"]
"""
OVER, GOES_ON, PAUSED = "delivery", "appointments", "bank"
URL = "https://catalogue.example.org/lists/due.csv"
LIVE = "/calls/{account}/{session}"  # a page of what is soon over
SLOW = "pace: 1.5"  # so that it still goes on when the last picture is taken


@contextmanager
def busy_stack(folder: Path) -> Iterator[tuple[httpx.Client, str]]:
    """A stack in the middle of its work, as a person reaches it, and the password."""
    shell = Shell.prepared(folder, settings=SETTINGS)
    for file in EXAMPLES.glob("*.csv"):
        shutil.copy(file, folder)
    for name in (OVER, GOES_ON, PAUSED, "library"):
        text = (EXAMPLES / f"{name}.yaml").read_text("utf-8").replace(URL, "library.csv")
        shell.write(f"{name}.yaml", re.sub(r"^pace: \d+", SLOW, text, flags=re.M) if name == GOES_ON else text)
    up = shell.begin("up", "--sandbox", "--speed", "4")
    try:
        wait_for(lambda: running_stack(folder / ".dialer") is not None)
        info = running_stack(folder / ".dialer")
        assert info is not None
        password = (folder / ".dialer" / "password").read_text().strip()
        with loopback.client(base_url=info.urls["console"], auth=("operator", password)) as http:
            _fill(shell, http)
            yield http, password
    finally:
        shell.end(up)


def _fill(shell: Shell, http: httpx.Client) -> None:
    """Campaigns, a schedule, numbers not to be called, a webhook; returns when the pages have something to show."""
    for line in (
        f"start {PAUSED}.yaml --skip-rejects",
        f"start {OVER}.yaml --skip-rejects",
        f"start {GOES_ON}.yaml --skip-rejects",
        f"pause {PAUSED}",
        "schedule add library.yaml",
        "webhooks add clinic http://127.0.0.1:9/events",
        "dnc add +14155550142 --reason 'asked us on the phone'",
        "dnc add +12125550177 --reason 'wrong person'",
    ):
        command = shell.run(*shlex.split(line))
        assert command.code == 0, command.err
    wait_for(lambda: _final(http, OVER) == 1.0 and _final(http, GOES_ON) > 0.4, every=1.0)


def _final(http: httpx.Client, campaign: str) -> float:
    summary = http.get(f"/api/v1/campaigns/{campaign}").json()
    return float(summary["final"] / summary["contacts"])


def picture(person: Visitor, name: str, address: Callable[[], str]) -> None:
    """A page in both sizes and themes; for each size it is looked up anew, since a call is soon over."""
    for size, viewport in SIZES.items():
        page = person.page(address())
        page.set_viewport_size(viewport)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            session = person.context.new_cdp_session(page)
            image = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
            (IMAGES / f"{name}-{size}-{theme}.webp").write_bytes(base64.b64decode(image["data"]))
        page.close()


def _checked_draft(person: Visitor, file: Path) -> None:
    """A campaign that waits to be started, with its list checked."""
    page = begin_campaign(person, file)
    page.goto(page.url.replace("/columns", "/check"))
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("link", name="Continue").wait_for()
    page.close()


def _call_on_the_line(http: httpx.Client) -> str:
    """The address of a call in which somebody talks, or of the latest; waited for."""
    wait_for(lambda: "/calls/" in http.get("/calls").text.partition("<tbody>")[2])
    rows = http.get("/calls").text.split("<tr>")[2:]
    row = next((row for row in rows if "talking" in row), rows[0])
    return re.findall(r'href="(/calls/[^"]+/\d+)"', row)[0]


def name_of(path: str) -> str:
    """The name of a page's pictures: `/campaigns/{campaign_id}/cancel` is `campaign-cancel`."""
    for several, one in {"/people/{": "/persons/{", "/suppression/{": "/suppression-entrys/{"}.items():
        path = path.replace(several, one)
    words = re.sub(r"/([\w-]+?)s/\{\w+\}", r"/\1", path)  # one of them
    return re.sub(r"/\{\w+\}", "", words).strip("/").replace("/", "-") or "home"


def main() -> None:
    """Take every picture anew."""
    shutil.rmtree(IMAGES, ignore_errors=True)
    IMAGES.mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        busy_stack(Path(folder)) as (http, password),
        chromium() as browser,
        visitor(browser, str(http.base_url).rstrip("/"), password) as person,
    ):
        _checked_draft(person, Path(folder) / "delivery.csv")
        numbers = Path(folder) / "numbers.csv"
        numbers.write_text("number,reason\n+14155550143,asked us\n+12125550144,wrong person\nnobody,\n")
        checked = check_numbers(person, numbers)
        with person.http() as session:
            places = addresses(session, checked, f"/campaigns/{GOES_ON}-1", f"/campaigns/{OVER}-1/redial")
        for path, place in sorted(places.items(), key=lambda item: (item[0] != LIVE, item[0])):  # it is soon over
            if place.is_page:
                address = partial(_call_on_the_line, http) if path == LIVE else partial(str, place.address)
                picture(person, name_of(path), address)
                sys.stdout.write(f"{name_of(path)}: {place.address}\n")


if __name__ == "__main__":
    main()
