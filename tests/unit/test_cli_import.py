# SPDX-License-Identifier: Apache-2.0
"""What an import takes and refuses, and how it says so."""

from __future__ import annotations

import json

import pytest

from tests.unit.command_line import CommandLine

ALICE = "+33612345678"


@pytest.mark.parametrize("update", [(), ("--update",)])
@pytest.mark.parametrize(
    ("client", "why"),
    [
        ({"port": 99999}, "client.port"),
        ({"port": -1}, "client.port"),
        ({"prefix": "a b:c"}, "client.prefix"),
        ({"protocol_version": 1}, "client.protocol_version"),
        ({"source": "abc def"}, "client.source"),
        ({"carrier": "nope"}, "carrier"),
        ({"prot": 4}, "prot"),
        ({"client_type": "x" * 47}, "client.client_type"),
        ({"client_type": "a\nb"}, "client.client_type"),
        ({"number": "+33687654321"}, "client.number"),
    ],
)
def test_a_client_that_the_api_refuses_is_no_client_of_an_import(
    vvm: CommandLine, client: dict[str, object], why: str, update: tuple[str, ...]
) -> None:
    if update:
        assert vvm("subscriber", "add", ALICE).code == 0
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "client": client}) + "\n")
    for dry_run in (("--dry-run",), ()):
        ran = vvm("subscriber", "import", str(file), "--json", *update, *dry_run)
        assert (ran.code, ran.document["bad"]) == (1, 1)
        assert why in ran.out
    assert len(vvm("subscriber", "list", "--json").rows) == bool(update)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"msisdm,language\n", "line 1: column 'msisdm' is unknown, did you mean msisdn?"),
        (b"msisdn;language\n+33612345678;eng\n", "divided by ';': save it with commas"),
        (b"RIFF\x24\x08\x00\x00WAVEfmt \x10\xff\xfe\n", "line 1: that is no CSV in UTF-8"),
        (b"language\neng\n", "line 1: it must name the columns, msisdn and of language,"),
        (b'msisdn\n"+336', ": unexpected end of data"),
    ],
)
def test_a_file_that_is_no_csv_of_subscribers_says_why(vvm: CommandLine, octets: bytes, said: str) -> None:
    file = vvm.directory / "base.csv"
    file.write_bytes(octets)
    ran = vvm("subscriber", "import", str(file))
    assert (ran.code, said in ran.err) == (1, True), ran.err


@pytest.mark.parametrize("name", ["base.csv", "base.ndjson"])
def test_a_file_that_begins_with_a_byte_order_mark_is_read(vvm: CommandLine, name: str) -> None:
    file = vvm.directory / name
    text = f"msisdn\n{ALICE}\n" if name.endswith("csv") else f'{{"msisdn": "{ALICE}"}}\n'
    file.write_text(text, encoding="utf-8-sig")
    assert vvm("subscriber", "import", str(file), "--json").document["created"] == 1


def test_a_bad_line_says_whose_it_is_and_what_its_cell_must_be(vvm: CommandLine) -> None:
    file, bad = vvm.directory / "base.csv", vvm.directory / "bad.ndjson"
    rows = ("+33612345671,many,,,", "+33612345672,,vielleicht,,", "+33612345673,,,sms,", "0612,,,,", ",,,,7")
    file.write_text("\n".join(("msisdn,max_messages,blocked,fallback,pin", *rows)) + "\n")
    vvm("subscriber", "import", str(file), "--bad-lines", str(bad))
    told = [json.loads(line) for line in bad.read_text().splitlines()]
    assert [(one["line"], one["msisdn"], one["reason"].partition(", for")[0]) for one in told] == [
        (2, "+33612345671", "max_messages: a whole number, and not 'many'"),
        (3, "+33612345672", "blocked: true or false, and not 'vielleicht'"),
        (4, "+33612345673", "fallback: one of none, mwi, text, and not 'sms'"),
        (5, "0612", told[3]["reason"].partition(", for")[0]),
        (6, "", "msisdn: is missing"),
    ]
    file = vvm.directory / "base.ndjson"
    file.write_text(f'{{"msisdn": "{ALICE}", "maxmessages": 3}}\n{{"msisdn": \n')
    vvm("subscriber", "import", str(file), "--bad-lines", str(bad))
    told = [json.loads(line) for line in bad.read_text().splitlines()]
    assert [(one["msisdn"], one["reason"]) for one in told] == [
        (ALICE, "maxmessages: unknown, did you mean max_messages?"),
        ("", "the JSON ends too early"),
    ]


def test_a_dry_run_counts_as_the_run_does(vvm: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vvm.services.bulk.CHUNK", 2)
    file = vvm.directory / "base.csv"
    lines = ("+3361", "+3362 +3363", "+3361", "+3363", "+3364 +3362", "+3365", "+3365")
    rows = [f"{own}00000,{alias and alias + '00000'}" for own, _, alias in (x.partition(" ") for x in lines)]
    file.write_text("\n".join(("msisdn,aliases", *rows)) + "\n")
    promised = vvm("subscriber", "import", str(file), "--dry-run", "--json").document
    assert vvm("subscriber", "import", str(file), "--json").document == promised
    assert [promised[name] for name in ("created", "known", "bad")] == [3, 2, 2]


def test_the_audit_has_what_an_operator_changed(vvm: CommandLine) -> None:
    vvm("cos", "put", "gold")
    vvm("subscriber", "add", ALICE, "--max-messages", "50", "--cos", "gold")
    vvm("subscriber", "set", ALICE, "--cos", "", "--client-port", "0", "--blocked")
    pin = vvm.directory / "pin"
    pin.write_text("258036\n")
    vvm("subscriber", "set", ALICE, "--pin-file", str(pin), "--unblocked", "--no-setup-done")
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "max_messages": 60}) + "\n")
    for _ in range(2):
        vvm("subscriber", "import", str(file), "--update", "--reason", "tariff")
    rows = vvm("subscriber", "audit", ALICE, "--json").rows
    assert [(row["trigger"], row["reason"]) for row in rows] == [
        ("operator", "tariff; max_messages 50 -> 60"),
        ("unblocked", "setup_done yes -> no; a new PIN"),
        ("blocked", 'cos gold -> ""; client.port 5499 -> 0'),
        ("created", ""),
    ]
    assert all(str(row["actor"]).startswith("cli:") for row in rows)


def test_what_a_client_has_told_itself_comes_back(vvm: CommandLine) -> None:
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "client": {"port": 65535, "client_type": "AOSP"}}) + "\n")
    assert vvm("subscriber", "import", str(file)).code == 0
    assert vvm("subscriber", "set", ALICE, "--client-prefix", "//X").code == 0
