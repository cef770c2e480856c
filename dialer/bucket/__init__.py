"""The token bucket of one provider account, kept in Redis and shared by all workers."""

from dialer.bucket.limits import (
    AcquireResult,
    BucketState,
    BucketUnavailable,
    CampaignLimits,
    CostExceedsLimit,
    GrantResult,
    LimitName,
    Limits,
    PointsWindow,
    Slot,
    Urgency,
)
from dialer.bucket.token_bucket import (
    CallsAsked,
    ForecastAsked,
    Settlement,
    TokenBucket,
    acquire_each,
    connect,
    forecast_each,
    settle_each,
)

__all__ = [
    "AcquireResult",
    "BucketState",
    "BucketUnavailable",
    "CallsAsked",
    "CampaignLimits",
    "CostExceedsLimit",
    "ForecastAsked",
    "GrantResult",
    "LimitName",
    "Limits",
    "PointsWindow",
    "Settlement",
    "Slot",
    "TokenBucket",
    "Urgency",
    "acquire_each",
    "connect",
    "forecast_each",
    "settle_each",
]
