"""Kinds of numbers that are no person's ordinary phone: costly to call, or answered by nobody who is on a list."""

from __future__ import annotations

from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType


class NumberKind(StrEnum):
    """What sets a number apart; by these names a campaign file allows it (`contacts.allow`)."""

    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"  # a number that follows its owner, at a price of its own
    UNIVERSAL_ACCESS = "universal_access"  # one number for all offices of a company
    PAGER = "pager"
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    INTERNATIONAL = "international"  # of a network or a service that belongs to no country


WORDS = {
    NumberKind.PREMIUM_RATE: "a premium-rate number",
    NumberKind.SHARED_COST: "a shared-cost number",
    NumberKind.PERSONAL: "a personal number, which is charged at a rate of its own",
    NumberKind.UNIVERSAL_ACCESS: "the number of a company's offices (universal access)",
    NumberKind.PAGER: "a pager's number",
    NumberKind.VOICEMAIL: "the number of a voice mailbox",
    NumberKind.SATELLITE: "a satellite phone's number",
    NumberKind.INTERNATIONAL: "a number of an international network, which belongs to no country",
}
BY_TYPE = {
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
    PhoneNumberType.UAN: NumberKind.UNIVERSAL_ACCESS,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}
# https://www.itu.int/pub/T-SP-E.164D, the codes of no country; read on 2026-11-29
BY_CODE = {
    "800": NumberKind.INTERNATIONAL,  # freephone
    "808": NumberKind.SHARED_COST,
    "870": NumberKind.SATELLITE,  # Inmarsat
    "878": NumberKind.PERSONAL,
    "881": NumberKind.SATELLITE,  # Iridium, Globalstar
    "88216": NumberKind.SATELLITE,  # Thuraya
    "882": NumberKind.INTERNATIONAL,
    "883": NumberKind.INTERNATIONAL,
    "888": NumberKind.INTERNATIONAL,
    "979": NumberKind.PREMIUM_RATE,
}


def kind_of(e164: str) -> NumberKind | None:
    """What sets a valid number apart; None for a person's ordinary number."""
    for length in (5, 3):
        if kind := BY_CODE.get(e164[1 : 1 + length]):
            return kind
    return BY_TYPE.get(phonenumbers.number_type(phonenumbers.parse(e164)))
