"""The number formats that workbooks name by a number only (ECMA-376 part 1, 18.8.30).

What depends on the country of the reader's computer is reduced to its meaning: a currency has no sign.
"""

from __future__ import annotations

from collections.abc import Mapping

DATE, TIME, LONG_TIME = "yyyy-mm-dd", "h:mm", "h:mm:ss"

BUILTIN_FORMATS: Mapping[int, str] = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: "#,##0",
    6: "#,##0",
    7: "#,##0.00",
    8: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: DATE,
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: TIME,
    19: LONG_TIME,
    20: TIME,
    21: LONG_TIME,
    22: f"{DATE} {TIME}",
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), DATE),
    **dict.fromkeys((32, 34, 55), TIME),
    **dict.fromkeys((33, 35, 56), LONG_TIME),
    37: "#,##0",
    38: "#,##0",
    39: "#,##0.00",
    40: "#,##0.00",
    41: "#,##0",
    42: "#,##0",
    43: "#,##0.00",
    44: "#,##0.00",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
    59: "0",
    60: "0.00",
    61: "#,##0",
    62: "#,##0.00",
    67: "0%",
    68: "0.00%",
    69: "# ?/?",
    70: "# ??/??",
    **dict.fromkeys((71, 72, 73, 74, 81), DATE),
    75: TIME,
    76: LONG_TIME,
    77: f"{DATE} {TIME}",
    78: "mm:ss",
    79: "[h]:mm:ss",
    80: "mm:ss.0",
}
