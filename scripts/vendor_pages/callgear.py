"""docs/callgear-notifications.md: what to paste into the client area."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dialer.providers.callgear.spec import CALLGEAR


def _templates() -> str:
    made = (f"## {title}\n\n```\n{template}\n```" for title, template in CALLGEAR.notification_templates.values())
    return "\n\n".join(made)


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {"callgear-notifications.md": {"templates": _templates}}
