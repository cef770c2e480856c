"""Every page of the console: their routers, which the app serves."""

from __future__ import annotations

from console.pages import audit, campaigns, contact, contacts, language_choice

ROUTERS = (campaigns.router, contact.router, contacts.router, audit.router, language_choice.router)
