"""A provider as the rest of the program knows it: everything that may be asked of one without naming it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dialer.account_settings import AccountSettings
from dialer.deadline import utc_now
from dialer.providers.call_management import CallManagement
from dialer.providers.provider import Provider

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """One provider. `name` is what settings call it today, `title` what people call it.

    `build` makes the provider of an account from its `settings` and a clock; `key_setting` is the setting that holds
    the key, as examples name it. `metered`: its replies tell how many points are left. `management` is None where calls
    in progress cannot be managed. `notification_templates` are what has to be pasted at the provider so that it sends
    how calls went: by the provider's event, the event's title and the text to paste.
    """

    name: str
    title: str
    settings: type[AccountSettings]
    build: Callable[[Any, Clock], Provider]
    key_setting: str
    metered: bool = False
    management: CallManagement | None = None
    notification_templates: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def without_account(self) -> Provider:
        """The provider of an account without a key: for what holds for all its accounts, its policy for one."""
        return self.build(self.settings(provider=self.name), utc_now)
