"""What is the matter with a webhook, for people."""

from __future__ import annotations

from campaigns.ledger.webhooks import Webhook
from campaigns.lifecycle import WebhookState
from console.cli.output import local_time


def webhook_trouble(webhook: Webhook) -> str | None:
    """Why nothing is delivered to it, and what can be done; None while all is well."""
    name = webhook.name
    if webhook.state is WebhookState.PAUSED:
        why = f"webhook {name} is paused since {local_time(webhook.since)}, {webhook.reason}"
        return f"{why}: dialer webhooks resume {name}"
    if webhook.state is WebhookState.ENDED:
        return f"webhook {name} has ended, {webhook.reason}: dialer webhooks remove {name}"
    if webhook.failing_since:
        since, again = local_time(webhook.failing_since), local_time(webhook.next_at)
        return f"webhook {name} fails since {since}: {webhook.last_answer}; it is tried again at {again}"
    return None
