"""Variables that were meant as settings and are none: with one underscore where two belong, or a letter wrong.

Left alone, `DIALER_LEDGER_URL` would start a second ledger beside the one that is meant, and people were called twice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel

PREFIX = "DIALER_"
OTHERS = ("DIALER_CONFIG",)  # variables that are no settings
# What Kubernetes sets in every container for a service that is called "dialer" or "dialer-console".
OF_A_SERVICE = re.compile(r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w*PORT(_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?)?")
URL_OF_A_SERVICE = re.compile(r"(tcp|udp)://")
ALIKE = 0.85  # of difflib: a letter or two are wrong


def misspelt_variables(variables: Mapping[str, str], settings: type[BaseModel]) -> list[str]:
    """A line for each variable that is like a setting's and is not read; without their values."""
    sections = {name.upper(): field.annotation for name, field in settings.model_fields.items()}
    known = dict(_by_plain_name(sections))
    lines = []
    for name, value in variables.items():
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in OTHERS or _section(upper) in sections:
            continue
        meant = _meant(upper.removesuffix("__FILE"), known)
        if (meant or "__" in upper) and not (OF_A_SERVICE.fullmatch(upper) and _is_of_a_service(upper, value)):
            advice = f"did you mean {meant}?" if meant else f"the first words are {', '.join(sorted(sections))}"
            lines.append(f"{name}: there is no such setting; {advice}")
    return lines


def _section(variable: str) -> str:
    return variable.removeprefix(PREFIX).partition("__")[0]


def _by_plain_name(sections: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each variable by its name with single underscores."""
    for section, model in sections.items():
        yield PREFIX + section, PREFIX + section
        if isinstance(model, type) and issubclass(model, BaseModel):
            for key in model.model_fields:
                yield f"{PREFIX}{section}_{key.upper()}", f"{PREFIX}{section}__{key.upper()}"


def _meant(variable: str, known: Mapping[str, str]) -> str | None:
    """The variable that this one is like; None if it is like none."""
    plain = re.sub("_+", "_", variable)
    if plain in known:
        return known[plain]
    if plain.startswith(f"{PREFIX}ACCOUNTS_"):
        account, _, key = plain.removeprefix(f"{PREFIX}ACCOUNTS_").partition("_")
        return f"{PREFIX}ACCOUNTS__{account}__{key}" if key else None
    near = difflib.get_close_matches(plain, known, n=1, cutoff=ALIKE)
    return known[near[0]] if near else None


def _is_of_a_service(variable: str, value: str) -> bool:
    return "_SERVICE_" in variable or bool(URL_OF_A_SERVICE.match(value)) or bool(re.search(r"_PORT_\d+_", variable))
