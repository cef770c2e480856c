"""The routes of a new campaign, step by step."""

from __future__ import annotations

from console.pages.new_campaign import begin, check, columns, message, plan, repeat, settings, start

ROUTERS = (
    *(begin.router, columns.router, message.router, settings.router),
    *(check.router, plan.router, start.router, repeat.router),
)
