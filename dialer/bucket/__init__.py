"""The token bucket of one vendor account, kept in Redis."""

from dialer.bucket.limits import (
    Answer,
    BucketAway,
    BucketState,
    CampaignLimits,
    Limits,
    NeverGranted,
    Settled,
    Urgency,
    Window,
)
from dialer.bucket.token_bucket import TokenBucket, connect

__all__ = [
    "Answer",
    "BucketAway",
    "BucketState",
    "CampaignLimits",
    "Limits",
    "NeverGranted",
    "Settled",
    "TokenBucket",
    "Urgency",
    "Window",
    "connect",
]
