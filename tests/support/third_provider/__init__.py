"""A third provider, made up, as docs/adding-a-provider.md walks through it: two folders, and an entry in two lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialer.providers.registry import PROVIDERS
from dialer.sandbox.vendors import VENDORS
from tests.support.third_provider.providers.acme.spec import ACME
from tests.support.third_provider.sandbox.acme.vendor import ACME as ACME_VENDOR

FOLDER = Path(__file__).parent


@contextmanager
def plugged_in() -> Iterator[None]:
    """The provider is there while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROVIDERS, "acme", ACME)
        patch.setitem(VENDORS, "acme", ACME_VENDOR)
        yield
