# SPDX-License-Identifier: Apache-2.0
"""The commands, in this process, on a store of their own."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.audio_samples import wav
from tests.unit.logging_restored import logging_restored
from vvm.cli.main import Exit, main
from vvm.domain.errors import Outage
from vvm.simulator.demo import DemoFailed

ALICE = "+33612345678"
BOB = "+33687654321"


class Ran(msgspec.Struct, frozen=True):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "vvm.toml"
    file.write_text(
        f'[state]\ndirectory = "{tmp_path}/var"\n[store]\nurl = "sqlite:///{tmp_path}/var/vvm.db"\n'
        "[vvm]\nmax_messages = 2\n"
    )
    return file


@pytest.fixture
def vvm(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``vvm WORDS…`` with the configuration of the test."""
    monkeypatch.setenv("VVM_CONFIG", str(config))

    def run(*words: str) -> Ran:
        code = main(words)
        said = capsys.readouterr()
        return Ran(int(code), said.out, said.err)

    with logging_restored():
        yield run


@pytest.fixture
def speech(tmp_path: Path) -> str:
    file = tmp_path / "speech.wav"
    file.write_bytes(wav(seconds=2.0))
    return str(file)


def test_a_subscriber_is_added_and_shown(vvm: Run) -> None:
    added = vvm("subscriber", "add", ALICE, "--max-messages", "7", "--no-setup-done", "--json")
    assert added.code == Exit.OK
    assert vvm("subscriber", "show", ALICE, "--json").json == added.json
    assert isinstance(added.json, dict)
    assert (added.json["max_messages"], added.json["setup_done"], added.json["status"]) == (7, False, "P")


def test_people_see_a_table_with_the_same_facts(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    lines = vvm("subscriber", "show", ALICE).out.splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines if not line.strip().startswith("client"))
    assert facts["msisdn"].strip() == ALICE
    assert facts["setup_done"].strip() == "yes"


def test_a_subscriber_is_changed(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE, "--max-messages", "7")
    blocked = vvm("subscriber", "set", ALICE, "--blocked", "--json").json
    assert isinstance(blocked, dict)
    assert (blocked["status"], blocked["max_messages"]) == ("B", 7)
    unblocked = vvm("subscriber", "set", ALICE, "--unblocked", "--json").json
    assert isinstance(unblocked, dict)
    assert unblocked["status"] == "P"


def test_to_set_nothing_is_a_mistake(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    ran = vvm("subscriber", "set", ALICE)
    assert ran.code == Exit.USAGE
    assert "nothing to change" in ran.err


def test_the_letters_of_a_status_are_explained(vvm: Run) -> None:
    assert "P provisioned" in vvm("subscriber", "--help").out
    assert "P (provisioned)" in vvm("subscriber", "add", ALICE).out


def test_a_subscriber_is_removed(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    assert vvm("subscriber", "remove", ALICE).out.strip() == f"{ALICE} is removed"
    assert vvm("subscriber", "show", ALICE).code == Exit.REFUSED


def test_no_command_shows_a_password(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    for words in (["subscriber", "show", ALICE, "--json"], ["subscriber", "list", "--json"]):
        assert "password" not in vvm(*words).out


def test_a_file_is_deposited_and_listed(vvm: Run, speech: str) -> None:
    vvm("subscriber", "add", ALICE)
    deposited = vvm("message", "deposit", speech, "--to", ALICE, "--from", BOB, "--json")
    assert deposited.json == {"uid": 1, "seconds": 2}
    (message,) = vvm("message", "list", ALICE, "--json").json["messages"]
    assert (message["uid"], message["caller"], message["seen"]) == (1, BOB, False)
    assert vvm("message", "list", ALICE).out.splitlines()[1].split()[:3] == ["1", "no", BOB]


def test_the_same_key_makes_one_message(vvm: Run, speech: str) -> None:
    vvm("subscriber", "add", ALICE)
    first = vvm("message", "deposit", speech, "--to", ALICE, "--key", "k")
    again = vvm("message", "deposit", speech, "--to", ALICE, "--key", "k")
    assert first.out.strip() == f"message 1 of {ALICE}: 2 s"
    assert again.out.strip() == f"message 1 of {ALICE}: 2 s, which this key has made before"


def test_a_password_is_rotated_announced_and_the_audit_shows_it(vvm: Run, config: Path) -> None:
    vvm("subscriber", "add", ALICE, "--fallback", "mwi")
    rotated = vvm("subscriber", "rotate", ALICE, "--json").json
    assert isinstance(rotated, dict)
    assert rotated["fallback"] == "mwi"
    assert vvm("subscriber", "announce", ALICE, "--json").json == {"told": 0}
    with closing(sqlite3.connect(config.parent / "var/vvm.db")) as store, store:
        store.execute("UPDATE subscriber SET status = 'R'")
    assert vvm("subscriber", "announce").out == "1 told\n"
    entries = vvm("subscriber", "audit", ALICE, "--json").json["entries"]
    assert [entry["trigger"] for entry in entries] == ["rotated", "created"]
    assert vvm("subscriber", "audit", ALICE).out.splitlines()[2].split()[3:] == ["created", "-", "P"]


def test_a_subscriber_starts_from_a_carrier(vvm: Run, config: Path) -> None:
    carriers = config.parent / "carriers"
    carriers.mkdir()
    (carriers / "x.toml").write_text('name = "x"\n[client]\nsource = "22344"\n')
    config.write_text(config.read_text() + f'carriers = "{carriers}"\n')
    added = vvm("subscriber", "add", ALICE, "--carrier", "x", "--json").json
    assert isinstance(added, dict)
    assert (added["client"]["carrier"], added["client"]["source"]) == ("x", "22344")
    unknown = vvm("subscriber", "set", ALICE, "--carrier", "y")
    assert (unknown.code, unknown.err) == (Exit.REFUSED, "vvm: carrier must be one of x\n")


def test_blobs_are_swept_where_there_are_any(vvm: Run, speech: str, config: Path, tmp_path: Path) -> None:
    vvm("subscriber", "list")  # which makes the store, and says so
    assert vvm("blobs", "sweep").err == "vvm: messages lie in the database: blobs.url is empty\n"
    config.write_text(config.read_text() + f'[blobs]\nurl = "file://{tmp_path}/blobs"\nencrypt = true\n')
    vvm("subscriber", "add", ALICE)
    assert vvm("message", "deposit", speech, "--to", ALICE).code == Exit.OK
    assert vvm("blobs", "sweep", "--all", "--json").json == {"deleted": 0, "left_behind": 0}
    config.write_text(config.read_text().partition("[blobs]")[0])
    gone = vvm("message", "list", ALICE)
    assert (gone.code, gone.err) == (Exit.USAGE, "vvm: messages lie in blobs: blobs.url must say where\n")
    config.write_text(config.read_text() + f'[blobs]\nurl = "file://{tmp_path}/blobs"\n')
    vvm("subscriber", "remove", ALICE)
    assert vvm("blobs", "sweep").out == "1 blobs deleted, 0 of them left behind by a crash\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["notification", "list", "--limit", "0"], "limit must lie between 1 and 1000"),
        (["subscriber", "show", ALICE], "no such subscriber"),
        (["subscriber", "set", ALICE, "--blocked"], "no such subscriber"),
        (["subscriber", "remove", ALICE], "no such subscriber"),
        (["subscriber", "add", ALICE, "--language", "tlh"], "language must be one of eng"),
        (["subscriber", "add", ALICE, "--max-messages", "0"], "max_messages must lie between 1 and 1000000"),
        (["subscriber", "list", "--limit", "0"], "limit must lie between 1 and 1000"),
        (["subscriber", "list", "--cursor", "x"], "cursor must be the next of an earlier page"),
        (["message", "list", ALICE], "no such subscriber"),
        (["message", "deposit", "/no/such/file", "--to", ALICE], "/no/such/file cannot be read"),
    ],
)
def test_a_refusal_is_one_line_and_exit_1(vvm: Run, words: list[str], told: str) -> None:
    vvm("subscriber", "list")  # which makes the store, and says so
    ran = vvm(*words)
    assert (ran.code, ran.out) == (Exit.REFUSED, "")
    (line,) = ran.err.splitlines()
    assert line.startswith(f"vvm: {told}")


def test_what_is_there_already_is_a_refusal(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    ran = vvm("subscriber", "add", ALICE)
    assert (ran.code, ran.err) == (Exit.REFUSED, "vvm: a subscriber with this number exists already\n")


def test_a_full_mailbox_and_silence_are_refusals(vvm: Run, speech: str, tmp_path: Path) -> None:
    vvm("subscriber", "add", ALICE)
    (tmp_path / "silence.wav").write_bytes(wav(seconds=2.0, amplitude=0.0))
    silence = vvm("message", "deposit", str(tmp_path / "silence.wav"), "--to", ALICE)
    assert (silence.code, silence.err) == (Exit.REFUSED, "vvm: nothing but silence\n")
    codes = [vvm("message", "deposit", speech, "--to", ALICE).code for _ in range(3)]
    assert codes == [Exit.OK, Exit.OK, Exit.REFUSED]


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["subscriber", "nothing"],
        ["subscriber", "add"],
        ["subscriber", "add", ALICE, "--colour", "red"],
        ["subscriber", "add", ALICE, "--max-messages", "many"],
        ["subscriber", "add", ALICE, "--max-messages", "99999999999999999999"],
        ["subscriber", "list", "surplus"],
        ["message", "deposit", "x.wav"],
        ["serve", "--role", "imap,cook"],
    ],
)
def test_a_command_that_is_not_understood_is_one_line_and_exit_2(vvm: Run, words: list[str]) -> None:
    ran = vvm(*words)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    (line,) = ran.err.splitlines()
    assert line.startswith("vvm: ")


def test_without_a_configuration_nothing_is_done(vvm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VVM_CONFIG")
    ran = vvm("subscriber", "list")
    assert ran.code == Exit.USAGE
    assert "--config" in ran.err


@pytest.mark.parametrize("words", [["subscriber", "list"], ["config", "check"], ["serve"], ["demo"]])
def test_a_configuration_that_is_wrong_is_a_line_a_mistake_and_exit_2(
    vvm: Run, config: Path, words: list[str]
) -> None:
    config.write_text("[imap]\nlisen = 1\n[http]\nmax_body_bytes = 'x'\n")
    ran = vvm(*words)
    assert ran.code == Exit.USAGE
    assert ran.err.splitlines() == [
        f"vvm: {config}: imap.lisen: unknown key; did you mean imap.listen?",
        f'vvm: {config}: http.max_body_bytes = "x": expected whole number',
    ]


def test_check_says_that_a_configuration_is_good(vvm: Run, config: Path) -> None:
    ran = vvm("config", "check")
    assert (ran.code, ran.out.splitlines()[0]) == (Exit.OK, f"{config} is good")
    assert "advice: sms.smsc: no SMSC: no handset can be activated or told of a message" in ran.out
    document = vvm("config", "check", "--json").json
    assert isinstance(document, dict)
    assert document["mistakes"] == []
    assert "sms.smsc" in [advice["key"] for advice in document["advice"]]


def test_check_tells_mistakes_to_programs(vvm: Run, config: Path) -> None:
    config.write_text("[imap]\nlisen = 1\n")
    ran = vvm("config", "check", "--json")
    assert ran.code == Exit.USAGE
    right = "unknown key; did you mean imap.listen?"
    assert ran.json == {
        "mistakes": [{"key": "imap.lisen", "right": right, "value": "", "source": str(config)}],
        "advice": [],
    }


def test_routes_tell_whose_sms_go_where(vvm: Run, config: Path) -> None:
    tables = ('[[sms.smsc]]\nname = "north"', '[[sms.smsc]]\nname = "spare"\nweight = 0')
    config.write_text("\n".join((config.read_text(), *tables)))
    assert vvm("config", "routes", "--json").json == [
        {"carrier": "", "smsc": "north", "weight": 1},
        {"carrier": "", "smsc": "spare", "weight": 0},
    ]
    assert "spare" in vvm("config", "routes").out


def test_explain_tells_of_a_key(vvm: Run, config: Path) -> None:
    explained = vvm("config", "explain", "vvm.max_messages", "--json").json
    assert isinstance(explained, list)
    assert [(one["value"], one["origin"]) for one in explained] == [("2", str(config))]
    table = vvm("config", "explain", "vvm").out
    assert "vvm.max_messages" in table
    assert vvm("config", "explain", "vvm.nothing").code == Exit.USAGE


def test_explain_tells_of_a_section_that_is_absent(vvm: Run, config: Path) -> None:
    keys = vvm("config", "explain", "asterisk.spool_every", "--json").json
    assert keys == [
        {
            "key": "asterisk.spool_every",
            "value": "5.0",
            "origin": "absent",
            "meaning": "Seconds between two looks into the spool.",
        }
    ]
    assert "sms.smsc[].tls.ca" in vvm("config", "explain", "sms.smsc.tls").out
    config.write_text(config.read_text() + "[[sms.smsc]]\n[sms.smsc.tls]\n")
    assert "sms.smsc[0].tls.ca" in vvm("config", "explain", "sms.smsc.tls").out


def test_a_master_key_that_is_no_key_is_exit_2(vvm: Run, config: Path) -> None:
    vvm("subscriber", "list")
    (config.parent / "var/master.key").write_bytes(b"short")
    ran = vvm("subscriber", "list")
    assert ran.code == Exit.USAGE
    assert "master" in ran.err


def test_a_store_of_a_later_release_is_exit_3(vvm: Run, config: Path) -> None:
    vvm("subscriber", "list")
    with closing(sqlite3.connect(config.parent / "var/vvm.db")) as store, store:
        store.execute("UPDATE schema_version SET version = 999, compatible = 999")
    ran = vvm("subscriber", "list")
    assert (ran.code, ran.out) == (Exit.OUTAGE, "")
    (line,) = ran.err.splitlines()
    assert line.startswith("vvm: ")


def test_an_address_that_cannot_be_had_stops_the_start(vvm: Run, config: Path) -> None:
    # 192.0.2.0/24 is nobody's (RFC 5737), so this machine cannot listen there.
    config.write_text(config.read_text() + '[http]\nlisten = "192.0.2.1:1"\n[log]\nlevel = "error"\n')
    ran = vvm("serve", "--role", "http")
    assert ran.code == Exit.USAGE
    (line,) = ran.err.splitlines()
    assert line.startswith("vvm: http: ")
    assert "192.0.2.1" in line


def test_version_tells_the_version(vvm: Run) -> None:
    told = vvm("version", "--json").json
    assert isinstance(told, dict)
    assert vvm("version").out == f"vvm {told['version']}\n"
    assert vvm("--version").out == f"{told['version']}\n"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], ["serve", "demo", "config", "subscriber", "message", "version", "0 ok"]),
        (["subscriber"], ["add", "show", "set", "remove", "list", "rotate", "announce", "audit", "timeline"]),
        (["message"], ["deposit", "list", "show"]),
        (["notification"], ["list", "resend"]),
        (["event"], ["list"]),
        (["webhook"], ["add", "list", "set", "rotate", "replay", "remove", "dead", "resend"]),
        (["config"], ["check", "explain"]),
        (["serve"], ["--config", "--role", "imap, sms, http, deposit, worker", "--workers"]),
        (["message", "deposit"], ["--to", "--from", "--key", "--json", "VVM_CONFIG"]),
    ],
)
def test_help_names_everything(vvm: Run, words: list[str], named: list[str]) -> None:
    told = " ".join(vvm(*words, "--help").out.replace("│", " ").split())
    assert [word for word in named if word not in told] == []


def test_an_outage_of_one_part_of_a_server_is_told_like_any(
    vvm: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object, **__: object) -> None:
        raise ExceptionGroup("parts", [Outage()])

    monkeypatch.setattr("vvm.cli.main.app", ended)
    assert vvm("serve") == Ran(Exit.OUTAGE, "", "vvm: Outage\n")


def test_a_demonstration_that_fails_says_at_which_step(vvm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def step_fails(*_: object, **__: object) -> None:
        raise DemoFailed("the durations do not agree")

    monkeypatch.setattr("vvm.cli.serve.demonstrate", step_fails)
    assert vvm("demo", "--once") == Ran(Exit.REFUSED, "", "vvm: the durations do not agree\n")


def test_a_bug_shows_itself(vvm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("vvm.cli.main.app", broken)
    ran = vvm("subscriber", "list")
    assert ran.code == Exit.BUG
    assert "Traceback" in ran.err


def test_the_module_is_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "vvm", "subscriber", "--help"], capture_output=True, text=True, check=True
    )
    assert "Add, show, change, remove and list subscribers." in ran.stdout
    wrong = subprocess.run(
        [sys.executable, "-m", "vvm", "nothing"], capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("vvm: Unknown command")


@pytest.mark.parametrize("smscs", ["", '[[sms.smsc]]\nname = "a"\n[[sms.smsc]]\nname = "b"\n'])
def test_a_demonstration_wants_one_smsc(vvm: Run, config: Path, smscs: str) -> None:
    config.write_text(config.read_text() + smscs)
    ran = vvm("demo", "--once")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert ran.err.startswith("vvm: sms.smsc: one table")


def test_a_demonstration_wants_an_imap_listener(vvm: Run, config: Path) -> None:
    config.write_text(config.read_text() + "imap_port = 143\n[imap]\nlisten = []\n[[sms.smsc]]\n")
    ran = vvm("demo", "--once")
    assert (ran.code, ran.err.partition(": an")[0]) == (Exit.USAGE, "vvm: imap.listen")


def test_a_client_is_described_by_hand_as_over_http(vvm: Run) -> None:
    words = ("--client-dialect", "cvvm", "--client-port", "0", "--client-coding", "8bit")
    more = ("--client-type", "x 1", "--client-prefix", "//CVVM", "--client-source", "5511")
    added = vvm("subscriber", "add", ALICE, *words, *more, "--client-protocol-version", "12", "--json").json
    client = added["client"]
    assert [client[name] for name in ("dialect", "port", "coding", "client_type")] == [
        "cvvm",
        0,
        "8bit",
        "x 1",
    ]
    assert [client[name] for name in ("prefix", "source", "protocol_version")] == ["//CVVM", "5511", 12]
    changed = vvm("subscriber", "set", ALICE, "--client-port", "5499", "--json").json
    assert changed["client"] == client | {"port": 5499}
    wrong = vvm("subscriber", "set", ALICE, "--client-port", "40000")
    assert (wrong.code, wrong.err) == (Exit.USAGE, "vvm: client.port: at most 32767\n")


def test_a_pin_is_made_and_not_told(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    assert vvm("subscriber", "reset-pin", ALICE, "--reason", "lost", "--json").json["msisdn"] == ALICE
    (newest, _) = vvm("subscriber", "audit", ALICE, "--json").json["entries"]
    assert (newest["trigger"], newest["reason"]) == ("pin_reset", "lost")
    assert "pin" in vvm("timeline", ALICE).out


def test_the_manners_of_a_client_are_the_operators_to_say(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    assert vvm("subscriber", "show", ALICE, "--json").json["client"]["manners"] == "learned"
    changed = vvm("subscriber", "set", ALICE, "--manners", "att", "--json").json
    assert changed["client"]["manners"] == "att"
    assert vvm("subscriber", "set", ALICE, "--manners", "rude").code == Exit.USAGE
