# SPDX-License-Identifier: Apache-2.0
"""``vvm migrate``: everything comes along once, however often it is run, and nobody is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.audio_samples import wav
from tests.unit.command_line import CommandLine
from tests.unit.spool_samples import SpoolSample
from vvm.cli.main import Exit
from vvm.domain.secrets import Secret
from vvm.migration.numbers import read_numbers
from vvm.migration.source import SourceFault
from vvm.migration.voicemail_conf import read_pins

ALICE = "+33612345678"
BOB = "+33687654321"
VOICEMAIL_CONF = """
[general]
format = wav49|wav   ; 1234 => not a mailbox
[other]
33612345678 => 9999,Somebody else
[default]
33612345678 => 4711,Alice,alice@example.net,,attach=no
1002=>-2580,Bob ; may not change it
1003 => ,No PIN
"""


@pytest.fixture
def spool(tmp_path: Path) -> SpoolSample:
    """Alice's number is the name of her mailbox, Bob's is in a file; 1009 is nobody's."""
    made = SpoolSample(tmp_path / "asterisk")
    for folder in ("INBOX", "Old", "Urgent", "Deleted"):
        made.message("33612345678", folder)
    for name in ("unavail", "greet", "busy"):
        made.greeting("33612345678", name)
    made.message("1002", "Work", caller="unknown")
    made.file("1002", "secret.conf", "[general]\npassword=2580\n")
    (tmp_path / "voicemail.conf").write_text(VOICEMAIL_CONF)
    (tmp_path / "numbers.csv").write_text(f"1002,{BOB}\n")
    return made


def migrate(vvm: CommandLine, spool: SpoolSample, *words: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Exit code, and a line for each mailbox."""
    directory = vvm.directory
    ran = vvm(
        *("migrate", "spool", str(spool.root), "--numbers", str(directory / "numbers.csv"), "--json"),
        *("--voicemail-conf", str(directory / "voicemail.conf"), *words),
    )
    assert isinstance(json.loads(ran.out), list), ran.err
    return ran.code, {line["mailbox"]: line for line in json.loads(ran.out)}


def counts(line: dict[str, object]) -> dict[str, object]:
    return {name: line[name] for name in ("found", "taken", "known", "refused", "verified")}


def inbox(vvm: CommandLine, msisdn: str) -> list[dict[str, object]]:
    return vvm("message", "list", msisdn, "--json").rows


def test_a_plan_does_nothing(vvm: CommandLine, spool: SpoolSample) -> None:
    code, lines = migrate(vvm, spool, "--create", "--dry-run")
    assert code == Exit.OK
    alice = lines["33612345678"]
    assert (alice["msisdn"], alice["subscriber"], alice["pin"]) == (ALICE, "to be created", "to be set")
    assert (alice["found"], alice["greetings"], alice["taken"]) == (3, 3, 0)
    assert vvm("subscriber", "list", "--json").rows == []


def test_a_spool_comes_along_whole(vvm: CommandLine, spool: SpoolSample) -> None:
    code, lines = migrate(vvm, spool, "--create")
    assert code == Exit.OK, lines
    alice, bob = lines["33612345678"], lines["1002"]
    assert counts(alice) == {"found": 3, "taken": 3, "known": 0, "refused": 0, "verified": 3}
    assert (alice["subscriber"], alice["greetings"], alice["pin"]) == ("created", 3, "set")
    assert (bob["msisdn"], bob["taken"], bob["pin"]) == (BOB, 1, "set")
    assert [(one["caller"], one["seen"], one["seconds"]) for one in inbox(vvm, ALICE)] == [
        ("+15557777", False, 2),
        ("+15557777", True, 2),
        ("+15557777", False, 2),
    ]
    assert [one["received_at"] for one in inbox(vvm, ALICE)] == sorted(
        str(one["received_at"]) for one in inbox(vvm, ALICE)
    )
    assert [(one["caller"], one["seen"]) for one in inbox(vvm, BOB)] == [(None, True)]


def test_nobody_is_told_of_what_comes(vvm: CommandLine, spool: SpoolSample) -> None:
    migrate(vvm, spool, "--create", "--tell")
    timeline = vvm("timeline", ALICE, "--json").rows
    assert {entry["event"] for entry in timeline} == {"transition"}


@pytest.mark.parametrize("forget", [False, True], ids=["with its ledger", "without it"])
def test_a_second_run_adds_only_what_is_new(vvm: CommandLine, spool: SpoolSample, *, forget: bool) -> None:
    migrate(vvm, spool, "--create")
    if forget:
        (vvm.directory / "var" / "migration.ndjson").unlink()
    spool.message("33612345678")
    code, lines = migrate(vvm, spool)
    assert code == Exit.OK, lines
    alice = lines["33612345678"]
    assert counts(alice) == {"found": 4, "taken": 1, "known": 3, "refused": 0, "verified": 4}
    assert (alice["subscriber"], alice["pin"]) == ("there", "kept")
    assert len(inbox(vvm, ALICE)) == 4


def test_greetings_are_not_doubled(vvm: CommandLine, spool: SpoolSample) -> None:
    migrate(vvm, spool, "--create")
    spool.message("33612345678")
    _, lines = migrate(vvm, spool)
    assert lines["33612345678"]["greetings"] == 3
    assert lines["33612345678"]["problems"] == []


def test_what_does_not_come_along_is_told(vvm: CommandLine, spool: SpoolSample) -> None:
    spool.message("1009")
    spool.message("1002", audio=b"no sound at all")
    spool.file("1002", "INBOX/msg0007.txt", "")
    spool.message("1002", audio=wav(seconds=2.0, amplitude=0.0))
    code, lines = migrate(vvm, spool, "--create")
    assert code == Exit.REFUSED
    assert counts(lines["1002"]) == {"found": 3, "taken": 1, "known": 0, "refused": 2, "verified": 1}
    assert len(lines["1002"]["problems"]) == 3  # type: ignore[arg-type]  # a list
    assert lines["1009"]["refused"] == 1
    assert "nobody knows whose it is" in str(lines["1009"]["problems"])


def test_numbers_that_are_not_served_need_to_be_created(vvm: CommandLine, spool: SpoolSample) -> None:
    code, lines = migrate(vvm, spool)
    assert code == Exit.REFUSED
    assert {line["subscriber"] for line in lines.values()} == {"none"}
    assert vvm("subscriber", "list", "--json").rows == []


def test_a_pin_that_the_rules_refuse_is_told_and_not_shown(vvm: CommandLine, spool: SpoolSample) -> None:
    (vvm.directory / "voicemail.conf").write_text("[default]\n33612345678 => 1234\n")
    code, lines = migrate(vvm, spool, "--create")
    assert code == Exit.REFUSED
    assert lines["33612345678"]["pin"] == "unfit"
    assert "1234" not in str(lines["33612345678"]["problems"]).replace("33612345678", "")


def test_a_table_comes_along(vvm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(seconds=2.0))
    table = tmp_path / "table.csv"
    table.write_text(
        "msisdn,file,received_at,caller,heard,urgent\n"
        f"{ALICE},a.wav,2026-11-23T08:00:00+01:00,+33698765432,yes,no\n"
        f"{ALICE},a.wav,2026-11-22T08:00:00Z,,,yes\n"
        f"{ALICE},missing.wav,2026-11-22T08:00:00Z,,,\n"
        f"{ALICE},a.wav,yesterday,,,\n"
        "0612,a.wav,2026-11-22T08:00:00Z,,,\n"
        f"{ALICE},a.wav,2026-11-21T08:00:00Z,,vielleicht,\n"
    )
    planned = vvm("migrate", "csv", str(table), "--create", "--dry-run", "--json")
    assert (planned.code, len(json.loads(planned.out)[-1]["problems"])) == (Exit.REFUSED, 4)
    ran = vvm("migrate", "csv", str(table), "--create", "--json")
    assert ran.code == Exit.REFUSED
    alice, nobody = json.loads(ran.out)
    assert counts(alice) == {"found": 2, "taken": 2, "known": 0, "refused": 0, "verified": 2}
    assert [problem.partition(":")[0] for problem in nobody["problems"]] == [
        f"line {n}" for n in (4, 5, 6, 7)
    ]
    assert [(one["caller"], one["seen"]) for one in inbox(vvm, ALICE)] == [
        (None, False),
        ("+33698765432", True),
    ]
    assert counts(json.loads(vvm("migrate", "csv", str(table), "--json").out)[0])["known"] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("spool", "/no/such/spool"),
        ("csv", "/no/such/table.csv"),
        ("csv", "{here}/vvm.toml"),
        ("spool", "{here}", "--numbers", "/no/such/numbers.csv"),
        ("spool", "{here}", "--ledger", "{here}/vvm.toml"),
    ],
)
def test_a_source_that_is_none_is_refused(vvm: CommandLine, spool: SpoolSample, words: list[str]) -> None:
    del spool
    here = str(vvm.directory / "asterisk" if "--ledger" in words or "--numbers" in words else vvm.directory)
    filled = [word.replace("{here}/vvm.toml", str(vvm.config)).replace("{here}", here) for word in words]
    ran = vvm("migrate", *filled)
    assert ran.code == Exit.REFUSED, ran
    assert "Traceback" not in ran.err


def test_pins_are_those_of_one_context(tmp_path: Path) -> None:
    file = tmp_path / "voicemail.conf"
    file.write_text(VOICEMAIL_CONF)
    assert read_pins(file, "default") == {"33612345678": Secret("4711"), "1002": Secret("2580")}
    assert read_pins(file, "other") == {"33612345678": Secret("9999")}


def test_a_file_of_numbers_names_its_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("1001,+33612345678\n1002,0612\n")
    with pytest.raises(SourceFault, match=r"numbers\.csv:2"):
        read_numbers(file)
