# SPDX-License-Identifier: Apache-2.0
"""``vvm webhook`` and ``vvm event``, from arguments to output."""

from __future__ import annotations

import pytest

from tests.unit.test_cli_commands import ALICE, Run, config, speech, vvm
from vvm.cli.main import Exit

__all__ = ["config", "speech", "vvm"]  # fixtures

URL = "https://crm.example.net/vvm"


def test_what_happened_is_listed(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    (event,) = vvm("event", "list", "--json").json["events"]
    assert (event["kind"], event["msisdn"], event["trigger"]) == ("subscriber.created", ALICE, "created")
    assert "trigger=created after=P" in vvm("event", "list", "--msisdn", ALICE).out
    assert vvm("event", "list", "--json", "--since", event["at"]).json["events"] == [event]
    assert vvm("event", "list", "--json", "--until", event["at"]).json["events"] == []
    behind = vvm("event", "list", "--json", "--cursor", event["cursor"]).json
    assert behind == {"events": [], "next": event["cursor"]}


def test_the_flags_of_a_message_are_words(vvm: Run, speech: str) -> None:
    vvm("subscriber", "add", ALICE)
    vvm("message", "deposit", speech, "--to", ALICE)
    vvm("message", "mark", ALICE, "1", "--seen")
    assert "flags=seen" in vvm("event", "list", "--kinds", "message.flags,message.deposited").out


@pytest.mark.parametrize(
    "words", [("event", "list"), ("event", "follow"), ("webhook", "add", URL), ("webhook", "replay", "1")]
)
def test_a_cursor_beyond_the_newest_event_is_refused(vvm: Run, words: tuple[str, ...]) -> None:
    vvm("webhook", "add", URL)
    refused = vvm(*words, "--cursor", "999999999")
    assert refused.code == Exit.REFUSED
    assert "beyond the newest event" in refused.err


def test_a_webhook_is_added_changed_and_removed(vvm: Run) -> None:
    made = vvm("webhook", "add", URL, "--kinds", "message.deposited", "--json").json
    assert made["secret"].startswith("whsec_")
    listed = vvm("webhook", "list").out
    assert URL in listed
    assert "whsec_" not in listed
    assert vvm("webhook", "set", "1", "--paused", "--json").json["paused"] is True
    assert "whsec_" in vvm("webhook", "rotate", "1").out
    assert vvm("webhook", "replay", "1", "--cursor", "", "--json").json["cursor"] == ""
    assert vvm("webhook", "dead", "1", "--json").json == {"events": [], "next": None}
    refused = vvm("webhook", "resend", "1", "7")
    assert (refused.code, refused.err) == (Exit.REFUSED, "vvm: no such dead event of this webhook\n")
    assert vvm("webhook", "remove", "1").out == "1 is removed\n"
    assert vvm("webhook", "remove", "1").code == Exit.REFUSED
    assert vvm("webhook", "dead", "1").code == Exit.REFUSED
