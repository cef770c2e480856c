"""How a sandbox behaves, whatever the vendor: where it listens, how fast its clock runs, which faults it has."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from random import Random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dialer.sandbox.numbers import ReservedBehaviour

Probability = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Odds(BaseModel):
    """How calls to plain numbers go, by weights: each number's first call, and its later ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: dict[ReservedBehaviour, Weight]
    later: dict[ReservedBehaviour, Weight]

    @field_validator("first", "later")
    @classmethod
    def _some_weight(cls, weights: dict[ReservedBehaviour, float]) -> dict[ReservedBehaviour, float]:
        if not sum(weights.values()):
            raise ValueError("at least one weight is more than 0, as in {answers: 0.7, busy: 0.3}")
        return weights

    def draw(self, earlier: int, rng: Random) -> ReservedBehaviour:
        """What the next call to a number meets that had so many before."""
        weights = self.later if earlier else self.first
        return rng.choices([*weights], [*weights.values()])[0]


class SharedConfig(BaseModel):
    """What can be chosen of every sandbox; all but `host`, `port` and `seed` can change while it runs.

    A vendor's own keys stand in a subclass in its folder; `dialer.sandbox.config` puts them together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="Port to listen on; 0 takes a free one.")
    seed: int | None = Field(None, description="Makes chance repeatable; absent, every run differs.")
    speed: Annotated[float, Field(gt=0, le=100_000)] = Field(1.0, description="Sandbox seconds in a real second.")

    shuffle: Probability = Field(0.0, description="Chance of a receipt to come late, after those that follow it.")
    duplicate: Probability = Field(0.0, description="Chance of a receipt to come twice.")
    loss: Probability = Field(0.0, description="Chance of a receipt never to come.")
    receipt_timeout: Annotated[float, Field(gt=0)] = Field(10.0, description="Real seconds to wait for a notify URL.")
    latency: Annotated[float, Field(ge=0)] = Field(0.0, description="Real seconds that every reply takes.")
    late_seconds: Annotated[float, Field(ge=0)] = Field(60.0, description="Real seconds that a late reply takes.")

    odds: Odds | None = Field(None, description="How calls to plain numbers go; absent, all are answered.")
    knows_all: bool = Field(
        False, description="Whatever caller ID, media file, scenario or employee a request names, the account has it."
    )

    whitelist: tuple[IPv4Network | IPv6Network, ...] = Field(
        (IPv4Network("0.0.0.0/0"), IPv6Network("::/0")), description="Networks that may use the APIs."
    )
    account_active: bool = Field(True, description="Whether the accounts are in good standing.")

    log_size: Annotated[int, Field(gt=0)] = Field(100_000, description="Calls remembered; the oldest go first.")

    def admits(self, ip: str) -> bool:
        """Whether the whitelist lets this address in."""
        return any(ip_address(ip) in network for network in self.whitelist)
