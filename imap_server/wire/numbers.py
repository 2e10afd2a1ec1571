# SPDX-License-Identifier: Apache-2.0
"""Sets of sequence numbers or UIDs (RFC 3501 section 9, ``sequence-set``), kept as ranges.

A client may write ``1:4294967295`` in a dozen octets, so a set is never spelled out: it is cut
against the numbers that exist.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

STAR = 0
"""Stands for ``*``, the largest number in use; no message has the number 0."""

_LARGEST = 2**32 - 1
_NUMBER = re.compile(rb"\*|[0-9]{1,20}")


class NumberSet(msgspec.Struct, frozen=True):
    """Inclusive ranges as the client wrote them: any order, overlapping, with ``STAR`` for ``*``.

    ``saved`` is the set written ``$``: what the last SEARCH saved (RFC 5182), known to the view only.
    """

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    def spans(self, last: int) -> list[tuple[int, int]]:
        """The same set as ascending ranges that do not touch, with ``*`` read as ``last``."""
        if len(self.ranges) == 1:
            ((first, final),) = self.ranges
            low, high = first or last, final or last
            return [(low, high) if low <= high else (high, low)]
        ends = [(first or last, final or last) for first, final in self.ranges]
        merged: list[tuple[int, int]] = []
        for low, high in sorted((min(pair), max(pair)) for pair in ends):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return merged

    def select(self, numbers: Sequence[int]) -> list[int]:
        """Those of ``numbers`` (ascending) that are in the set, ascending; ``*`` is the last of them."""
        return self.pick(numbers, last=numbers[-1]) if numbers else []

    def pick(self, numbers: Sequence[int], *, last: int) -> list[int]:
        """As ``select``, with ``*`` read as ``last``."""
        chosen: list[int] = []
        for low, high in self.spans(last):
            chosen += numbers[bisect_left(numbers, low) : bisect_right(numbers, high)]
        return chosen

    @property
    def has_star(self) -> bool:
        """Whether ``*`` is in it."""
        return any(STAR in ends for ends in self.ranges)


SAVED = NumberSet((), saved=True)
"""``$``."""


def read(text: bytes) -> NumberSet:
    """A set from its wire form; raises ValueError.  Leading zeros are accepted: vvmd sends them."""
    if text.isdigit():
        number = _read_number(text)
        return NumberSet(((number, number),))
    return NumberSet(tuple(_read_range(piece) for piece in text.split(b",")))


def write(numbers: Iterable[int]) -> bytes:
    """The shortest wire form of ascending numbers; empty for none."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs)


def _read_range(piece: bytes) -> tuple[int, int]:
    first, colon, final = piece.partition(b":")
    low = _read_number(first)
    return (low, _read_number(final) if colon else low)


def _read_number(text: bytes) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    if text == b"*":
        return STAR
    number = int(text)
    if not 1 <= number <= _LARGEST:
        raise ValueError("number out of range")
    return number
