"""Everything about a sandbox that can be chosen: what all vendors share, and what each adds; from a file, or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, create_model

from dialer.regular_file import read_regular
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.vendors import VENDORS

MAX_BYTES = 64 << 10


def _together() -> Any:
    """The vendors' keys in their order, after those that all share."""
    own = [vendor.config for vendor in reversed(VENDORS.values()) if vendor.config is not SharedConfig]
    bases: Any = (*own, SharedConfig)
    return create_model("SandboxConfig", __base__=bases)


SandboxConfig = _together()


class _Plain(yaml.SafeLoader):
    """YAML without aliases, by which a few lines could stand for millions."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One value."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not understood here")
        return super().compose_node(parent, index)


class BadConfig(ValueError):
    """A config file that cannot be used; the message says where and why."""


def load_config(file: Path | None, **chosen: object) -> SharedConfig:
    """The config of a YAML file, if one is given, under what else was chosen. Raises BadConfig."""
    try:
        written = yaml.load(read_regular(file, MAX_BYTES), _Plain) if file else {}  # noqa: S506  # a SafeLoader
    except OSError as exc:
        raise BadConfig(f"{file}: {exc.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise BadConfig(f"{file}: {' '.join(str(exc).split())}") from None
    if not isinstance(written, dict | None):
        raise BadConfig(f"{file}: keys and values are expected, as in tts_limit: 500")
    try:
        config: SharedConfig = SandboxConfig.model_validate({**(written or {}), **chosen})
        return config
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise BadConfig(f"{file or 'options'}: {'; '.join(faults)}") from None
