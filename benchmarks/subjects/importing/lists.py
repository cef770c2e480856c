"""Long lists to import. Their numbers are of the exchange 555; none is dialed, and the lists are deleted afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import phonenumbers
from openpyxl import Workbook

BAD = ("+1415555{n:03}", "(415) 55-{n:04}", "4.15555E+09", "", "+1000555{n:04}")
CAMPAIGN = """\
campaign: measured
account: main
contacts: {file: list.csv, country: US}
message:
  tts: "Hello {{ first_name }}, {{ doctor }} expects you on {{ day }} at {{ time }}."
caller_id: "+18005550100"
schedule: {zone: America/New_York, windows: {mon-fri: "09:00-20:00"}}
"""


def numbers() -> Iterator[str]:
    """Valid numbers of people, each once, in three notations."""
    areas = [area for area in range(201, 990) if _is_a_persons(f"+1{area}5550100")]
    for line in range(10_000):
        for place, area in enumerate(areas):
            form = ("+1{a}555{n:04}", "({a}) 555-{n:04}", "+1 {a} 555 {n:04}")[place % 3]
            yield form.format(a=area, n=line)


def _is_a_persons(number: str) -> bool:
    """Whether it is an ordinary number: those at a rate of their own are refused unless a campaign allows them."""
    return phonenumbers.number_type(phonenumbers.parse(number)) == phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE


def write_list(file: Path, size: int, *, bad: bool) -> None:
    """Write a list of this many rows; of ten, one is bad when asked for."""
    with file.open("w", encoding="utf-8") as out:
        out.write("phone,first_name,doctor,day,time\n")
        for row, number in enumerate(islice(numbers(), size)):
            spoilt = bad and row % 10 == 9
            phone = BAD[row // 10 % len(BAD)].format(n=row % 1000) if spoilt else number
            out.write(f'{phone},Amelia,Dr. Moreno,"Monday, March 5",{row % 12 + 1}:{row % 60:02} PM\n')


def write_workbook(file: Path, size: int) -> None:
    """Write the same list, all rows good, as a workbook: the phones as text, as people keep them."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(("phone", "first_name", "doctor", "day", "time"))
    for row, number in enumerate(islice(numbers(), size)):
        sheet.append((number, "Amelia", "Dr. Moreno", "Monday, March 5", f"{row % 12 + 1}:{row % 60:02} PM"))
    book.save(file)


def write_campaign(folder: Path, list_file: str = "list.csv") -> Path:
    """Write the campaign over this list, which is in the same folder."""
    file = folder / "measured.yaml"
    file.write_text(CAMPAIGN.replace("list.csv", list_file), encoding="utf-8")
    return file
