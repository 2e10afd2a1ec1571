# SPDX-License-Identifier: Apache-2.0
"""Classes of service and tokens by command line, on a store of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from tests.unit.logging_restored import logging_restored
from vvm.cli.main import Exit, main

ALICE = "+33612345678"
T = TypeVar("T")


class Ran(msgspec.Struct, frozen=True):
    code: int
    out: str
    err: str

    def json(self, type_: type[T]) -> T:
        return msgspec.json.decode(self.out, type=type_)


Run = Callable[..., Ran]


@pytest.fixture
def vvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``vvm WORDS…`` on a store under the folder of the test."""
    file = tmp_path / "vvm.toml"
    file.write_text(
        f'[state]\ndirectory = "{tmp_path}/var"\n[store]\nurl = "sqlite:///{tmp_path}/var/vvm.db"\n'
    )
    monkeypatch.setenv("VVM_CONFIG", str(file))

    def run(*words: str) -> Ran:
        code = main(words)
        said = capsys.readouterr()
        return Ran(int(code), said.out, said.err)

    with logging_restored():
        yield run


def test_a_class_is_put_listed_referred_to_and_removed(vvm: Run) -> None:
    put = vvm("cos", "put", "gold", "--max-messages", "7", "--fallback", "mwi", "--json")
    assert put.json(dict)["limits"] == {"max_messages": 7, "fallback": "mwi"}
    assert vvm("cos", "show", "gold", "--json").out == put.out
    assert [cos["name"] for cos in vvm("cos", "list", "--json").json(dict)["classes"]] == ["gold"]
    assert vvm("subscriber", "add", ALICE, "--cos", "gold", "--json").json(dict)["cos"] == "gold"
    refused = vvm("cos", "remove", "gold")
    assert (refused.code, refused.err) == (Exit.REFUSED, "vvm: subscribers refer to this class of service\n")
    assert vvm("subscriber", "set", ALICE, "--cos", "", "--json").json(dict)["cos"] is None
    assert vvm("cos", "remove", "gold").code == Exit.OK
    assert vvm("cos", "show", "gold").code == Exit.REFUSED


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("put", "Gold"), "small letters"),
        (("put", "gold", "--max-seconds", "0"), "max_seconds must lie"),
        (("put", "gold", "--pin-min-digits", "9", "--pin-max-digits", "4"), "pin_min_digits"),
    ],
)
def test_what_no_class_can_be_is_refused_and_named(vvm: Run, words: tuple[str, ...], why: str) -> None:
    ran = vvm("cos", *words)
    assert ran.code == Exit.REFUSED
    assert why in ran.err


def test_a_token_is_shown_once_and_kept_as_a_digest(vvm: Run, tmp_path: Path) -> None:
    made = vvm("token", "create", "crm", "--role", "support", "--scope", "message:read", "--json").json(dict)
    assert made["scopes"] == ["message:read"]
    listed = vvm("token", "list", "--json")
    assert [token["name"] for token in listed.json(list)] == ["crm"]
    assert made["token"] not in listed.out
    kept = b"".join(file.read_bytes() for file in (tmp_path / "var").glob("vvm.db*"))
    assert made["token"].encode() not in kept
    assert vvm("token", "revoke", "crm").code == Exit.OK
    assert vvm("token", "list", "--json").json(list) == []


def test_a_token_of_that_name_is_not_made_twice(vvm: Run) -> None:
    assert vvm("token", "create", "crm", "--role", "billing").out.startswith("vvm_")
    assert vvm("token", "create", "crm", "--role", "admin").code == Exit.REFUSED


CSV = """msisdn,language,max_messages,blocked,cos,pin,client
+33612345678,,7,true,gold,,
+33687654321,eng,,,,2580,"{""dialect"": ""cvvm"", ""port"": 0}"
0612345678,,,,,,
+33612345679,klingon,,,,,
+33612345680,,,,silver,,
+33612345681,,,,,7777,
+33612345682,,many,,,,
+33612345678,,,,,,
"""


@pytest.fixture
def base(vvm: Run, tmp_path: Path) -> Path:
    vvm("cos", "put", "gold")
    file = tmp_path / "base.csv"
    file.write_text(CSV)
    return file


def test_a_dry_run_tells_of_every_bad_line_and_creates_nobody(vvm: Run, base: Path) -> None:
    ran = vvm("subscriber", "import", str(base), "--dry-run", "--json")
    assert ran.code == Exit.REFUSED
    report = ran.json(dict)
    assert (report["read"], report["created"], report["known"], report["bad"]) == (8, 2, 1, 5)
    assert [bad["line"] for bad in report["bad_lines"]] == [4, 5, 6, 7, 8]
    assert "7777" not in ran.out + ran.err
    assert vvm("subscriber", "list", "--json").json(dict)["subscribers"] == []


def test_every_bad_line_is_written_where_there_are_too_many_to_tell(vvm: Run, tmp_path: Path) -> None:
    file, bad = tmp_path / "bad.csv", tmp_path / "bad.ndjson"
    file.write_text("msisdn,cos\n" + "".join(f"06{number},\n" for number in range(2500)))
    told = vvm("subscriber", "import", str(file), "--dry-run")
    assert told.code == Exit.REFUSED
    assert told.err.splitlines()[-2] == "vvm: and 1500 more: --bad-lines FILE has them all"
    ran = vvm("subscriber", "import", str(file), "--dry-run", "--bad-lines", str(bad))
    assert "more" not in ran.err
    lines = [msgspec.json.decode(line) for line in bad.read_text().splitlines()]
    assert [line["line"] for line in lines] == list(range(2, 2502))
    assert {line["reason"] for line in lines} == {
        "a number must be E.164 with a plus sign, for example +33612345678"
    }


def test_an_import_may_be_repeated(vvm: Run, base: Path) -> None:
    vvm("subscriber", "import", str(base))
    again = vvm("subscriber", "import", str(base), "--json").json(dict)
    assert (again["created"], again["known"]) == (0, 3)
    blocked, other = vvm("subscriber", "list", "--json").json(dict)["subscribers"]
    assert (blocked["status"], blocked["max_messages"], blocked["cos"]) == ("B", 7, "gold")
    assert (other["client"]["dialect"], other["client"]["port"]) == ("cvvm", 0)


@pytest.mark.parametrize("name", ["out.csv", "out.ndjson"])
def test_an_export_is_an_import(vvm: Run, base: Path, tmp_path: Path, name: str) -> None:
    vvm("subscriber", "import", str(base))
    before = vvm("subscriber", "list", "--json").json(dict)["subscribers"]
    out = tmp_path / name
    assert vvm("subscriber", "export", str(out), "--json").json(dict) == {"exported": 2}
    for one in before:
        vvm("subscriber", "remove", one["msisdn"])
    assert vvm("subscriber", "import", str(out)).code == Exit.OK
    moments = ("created_at", "changed_at")
    after = vvm("subscriber", "list", "--json").json(dict)["subscribers"]
    assert [{k: v for k, v in one.items() if k not in moments} for one in after] == [
        {k: v for k, v in one.items() if k not in moments} for one in before
    ]
    assert "password" not in out.read_text()


def test_an_update_is_told_before_it_is_made_and_is_made_once(vvm: Run, tmp_path: Path) -> None:
    file = tmp_path / "base.csv"
    file.write_text(
        "msisdn,language,aliases,held,closed,cos\n+33612345678,,+33612000001,,,\n+33687654321,,,,,\n"
    )
    assert vvm("subscriber", "import", str(file)).out == "2 read: 2 created, 0 updated, 0 known, 0 bad\n"
    vvm("cos", "put", "gold")
    file.write_text(
        "msisdn,language,aliases,held,closed,cos\n"
        "+33612345678,,-,true,true,gold\n+33687654321,eng,-,false,false,-\n+33600000009,,,,,\n"
        "+33612000001,,,,,\n"
    )
    promised = vvm("subscriber", "import", str(file), "--update", "--dry-run")
    assert promised.out == (
        "4 read: 1 would be created, 1 would be updated, 1 known, 1 bad\n"
        'line 2: +33612345678: cos "" -> gold, aliases ["+33612000001"] -> [], held false -> true,'
        " closed false -> true\n"
    )
    assert "line 5: the number is an alias" in promised.err
    made = vvm("subscriber", "import", str(file), "--update", "--reason", "case 12", "--json").json(dict)
    assert (made["created"], made["updated"], made["known"], made["bad"]) == (
        2,
        1,
        1,
        0,
    )
    audit = vvm("audit", "list", "--msisdn", "+33612345678", "--json").json(dict)["entries"]
    assert [(one["trigger"], one["reason"]) for one in audit[:3]] == [
        ("closed", "case 12"),
        ("alias_removed", "+33612000001"),
        ("held", "case 12"),
    ]
    again = vvm("subscriber", "import", str(file), "--update", "--json").json(dict)
    assert (again["created"], again["updated"], again["known"]) == (0, 0, 4)


@pytest.mark.parametrize("text", ["number\n+33612345678\n", "", 'msisdn\n"+336'])
def test_a_file_that_is_no_base_is_refused_whole(vvm: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "no.csv"
    file.write_text(text)
    ran = vvm("subscriber", "import", str(file))
    assert ran.code == Exit.REFUSED
    assert "no.csv" in ran.err
