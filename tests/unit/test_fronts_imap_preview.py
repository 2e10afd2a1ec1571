# SPDX-License-Identifier: Apache-2.0
"""The line that stands for a message in a list."""

from __future__ import annotations

import pytest

from vvm.domain.message import Kind
from vvm.fronts.imap.preview import preview


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_message_has_a_name(kind: Kind) -> None:
    assert preview(kind, seconds=0, caller=None)


@pytest.mark.parametrize("language", ["deu", "fra", "fre", "ger", "ita", "spa"])
def test_a_subscriber_reads_its_own_language(language: str) -> None:
    told = {kind: preview(kind, seconds=12, caller="+336", language=language) for kind in Kind}
    assert len(set(told.values())) == len(Kind)
    assert told[Kind.VOICE] != preview(Kind.VOICE, seconds=12, caller="+336")
    assert all(", 12 s" in text for text in told.values())


def test_a_language_without_words_reads_english() -> None:
    assert preview(Kind.VOICE, seconds=12, caller=None, language="swe") == "Voice message, 12 s"


def test_length_and_caller_are_told_where_they_are_known() -> None:
    assert preview(Kind.VOICE, seconds=12, caller="+336") == "Voice message, 12 s from +336"
    assert preview(Kind.VOICE, seconds=12, caller=None) == "Voice message, 12 s"
    assert preview(Kind.NUMBER_ONLY, seconds=0, caller="+336") == "Call from +336"


def test_a_greeting_comes_from_nobody() -> None:
    assert preview(Kind.NORMAL_GREETING, seconds=3, caller="+336") == "Greeting, 3 s"
