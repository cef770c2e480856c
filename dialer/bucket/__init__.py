"""The token bucket of one vendor account, kept in Redis."""

from dialer.bucket.limits import (
    Answer,
    BucketAway,
    CampaignLimits,
    Limits,
    NeverGranted,
    Settled,
    Standing,
    Urgency,
    Window,
)
from dialer.bucket.token_bucket import TokenBucket, connect

__all__ = [
    "Answer",
    "BucketAway",
    "CampaignLimits",
    "Limits",
    "NeverGranted",
    "Settled",
    "Standing",
    "TokenBucket",
    "Urgency",
    "Window",
    "connect",
]
