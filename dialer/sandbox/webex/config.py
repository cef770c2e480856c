"""What can be chosen of the sandbox's Webex Connect."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from dialer.sandbox.shared_config import Probability, SharedConfig
from dialer.sandbox.world import World


class WebexConfig(SharedConfig):
    """The config keys that only Webex Connect has."""

    webex_tps: Annotated[int, Field(ge=0)] = Field(50, description="Webex requests in a second.")
    omit: Probability = Field(0.0, description="Chance of a Webex receipt to lack fields that may be missing.")
    responses_url: str | None = Field(
        None,
        description="Where a flow posts the keys that people press in Webex calls; absent, beside the notify URL: "
        "/responses/ instead of /receipts/.",
    )
    hub_secret: str | None = Field(None, description="Secret under which Webex receipts are signed; absent, unsigned.")


WebexWorld: TypeAlias = World[WebexConfig]
