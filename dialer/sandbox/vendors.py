"""The sandbox's vendors, by the names that their calls are logged under."""

from __future__ import annotations

from dialer.sandbox.callgear.vendor import CALLGEAR
from dialer.sandbox.vendor import SandboxVendor
from dialer.sandbox.webex.vendor import WEBEX

VENDORS: dict[str, SandboxVendor] = {
    "callgear": CALLGEAR,
    "webex": WEBEX,
}
