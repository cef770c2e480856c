"""Every page of the console: their routers, which the app serves."""

from __future__ import annotations

from console.pages import accounts, audit, calls, campaigns, contact, contacts, language_choice, webhooks
from console.pages.new_campaign import routes as new_campaign

ROUTERS = (
    campaigns.router,
    *new_campaign.ROUTERS,
    contact.router,
    contacts.router,
    calls.router,
    accounts.router,
    audit.router,
    webhooks.router,
    language_choice.router,
)
