"""Every page of the console: their routers, which the app serves."""

from __future__ import annotations

from console.pages import (
    account,
    accounts,
    assets,
    audit,
    calls,
    campaign_acts,
    campaigns,
    contact,
    contacts,
    flower,
    help,
    home,
    language_choice,
    log_in,
    people,
    reports,
    schedules,
    suppression,
    suppression_import,
    tokens,
    webhooks,
)
from console.pages.new_campaign import routes as new_campaign

ROUTERS = (
    home.router,
    assets.router,
    log_in.public,
    log_in.router,
    account.router,
    people.router,
    tokens.router,
    flower.router,
    campaigns.router,
    *new_campaign.ROUTERS,
    campaign_acts.router,
    reports.router,
    contact.router,
    contacts.router,
    help.router,
    calls.router,
    schedules.router,
    suppression_import.router,
    suppression.router,
    accounts.router,
    audit.router,
    webhooks.router,
    language_choice.router,
)
