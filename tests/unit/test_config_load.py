# SPDX-License-Identifier: Apache-2.0
"""A configuration is read, overridden and compared with the structs; every mistake is told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from sms_gateway.smpp.status import Action
from vvm.config.compare import compare
from vvm.config.errors import ConfigError, Mistake
from vvm.config.explain import explain
from vvm.config.load import load, load_with_origins
from vvm.config.sections import Config, StoreSettings

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        file = tmp_path / "vvm.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def mistakes(file: Path, environ: dict[str, str] | None = None) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    return caught.value.mistakes


def test_an_empty_file_is_all_defaults(write: Write) -> None:
    assert load(write(""), {}) == Config()


def test_what_the_file_says_counts(write: Write) -> None:
    config = load(write('[imap]\nlisten = ["[::]:143"]\n[imap.limits]\nmax_failed_logins = 5\n'), {})
    assert config.imap.listen == ("[::]:143",)
    assert config.imap.limits.max_failed_logins == 5


def test_mistakes_of_every_kind_are_told_together(write: Write) -> None:
    text = """
    [imap]
    lisen = []
    listen_tls = ["x"]
    [http]
    max_deposits = "many"
    body_seconds = 0.0
    [[sms.smsc]]
    port = "2775"
    window = 0
    """
    found = {mistake.key: mistake.source for mistake in mistakes(write(text), {"VVM_VVM__IMAP_PORT": "x"})}
    assert set(found) == {
        *("imap.lisen", "imap.listen_tls[0]", "http.max_deposits", "http.body_seconds"),
        *("sms.smsc[0].port", "sms.smsc[0].window", "vvm.imap_port"),
    }
    assert found["vvm.imap_port"] == "VVM_VVM__IMAP_PORT"


def test_a_value_of_a_wrong_type_is_not_told_to_be_missing_as_well(write: Write) -> None:
    file = write("")
    (mistake,) = mistakes(write(f"[tls]\ncertificate = 1\nkey = '{file}'\n"))
    assert (mistake.key, mistake.right) == ("tls.certificate", "expected string")


def test_each_smsc_is_a_table_of_its_own(write: Write) -> None:
    text = '[[sms.smsc]]\nname = "a"\nstatus_actions = {"0x40B" = "refuse"}\n[[sms.smsc]]\nname = "b"\n'
    first, second = load(write(text), {}).sms.smsc
    assert (first.name, second.name) == ("a", "b")
    assert first.status_actions == {"0x40B": Action.REFUSE}


def test_files_that_are_made_at_the_first_start_lie_in_the_state_directory(
    write: Write, tmp_path: Path
) -> None:
    config = load(write(f'[state]\ndirectory = "{tmp_path}"\n'), {})
    assert config.master_key_path == tmp_path / "master.key"
    assert config.admin_token_path == tmp_path / "admin.token"
    assert config.certificate_path == tmp_path / "tls.crt"
    assert config.certificate_key_path == tmp_path / "tls.key"


@pytest.mark.parametrize(
    ("url", "path"), [("sqlite:///var/a.db", "var/a.db"), ("sqlite:////srv/a.db", "/srv/a.db")]
)
def test_a_store_url_names_a_path(url: str, path: str) -> None:
    assert StoreSettings(url).path == Path(path)


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[imap]\nlisen = []\n", "imap.lisen", "imap.listen"),
        ("[impa]\nlisten = []\n", "impa", "imap"),
        ("[imap.limits]\nmax_line_byte = 1\n", "imap.limits.max_line_byte", "imap.limits.max_line_bytes"),
        ("[[sms.smsc]]\nname = 'a'\n[[sms.smsc]]\nhots = 1\n", "sms.smsc[1].hots", "sms.smsc[1].host"),
        ("[[sms.smsc]]\npasword_file = 1\n", "sms.smsc[0].pasword_file", "sms.smsc[0].password_file"),
        ("[vvm.client]\nprot = 1\n", "vvm.client.prot", "vvm.client.port"),
    ],
)
def test_a_misspelt_key_is_told_with_the_nearest_right_one(
    write: Write, text: str, key: str, near: str
) -> None:
    (mistake,) = mistakes(write(text))
    assert mistake.key == key
    assert mistake.right == f"unknown key; did you mean {near}?"


def test_a_key_like_no_other_is_only_unknown(write: Write) -> None:
    (mistake,) = mistakes(write("[vvm]\nzzzzzz = 1\n"))
    assert mistake.right == "unknown key"


@pytest.mark.parametrize(
    ("text", "key", "value", "right"),
    [
        ('[http]\nmax_body_bytes = "many"', "http.max_body_bytes", '"many"', "expected whole number"),
        ("[http]\nmax_body_bytes = true", "http.max_body_bytes", "true", "expected whole number"),
        ("[http]\nmax_body_bytes = 1.5", "http.max_body_bytes", "1.5", "expected whole number"),
        ("[http]\nbody_seconds = '1'", "http.body_seconds", '"1"', "expected number"),
        ("[imap]\nlisten = 'x'", "imap.listen", '"x"', "expected list of strings"),
        ("[imap]\nlisten = ['x', 1]", "imap.listen", '["x", 1]', "expected list of strings"),
        ("[imap.limits]\nrequire_tls = 1", "imap.limits.require_tls", "1", "expected true or false"),
        (
            "[imap.limits]\nserver_id = [1]",
            "imap.limits.server_id",
            "[1]",
            "expected list of lists of 2 strings",
        ),
        ("[log]\nformat = 'xml'", "log.format", '"xml"', 'expected "console" or "json"'),
        (
            "[vvm.client]\ncoding = 'morse'",
            "vvm.client.coding",
            '"morse"',
            'expected "8bit" or "gsm7" or "ucs2"',
        ),
        ("[vvm]\ndomain = 2026-11-23", "vvm.domain", "2026-11-23", "expected string"),
        ("vvm = 3", "vvm", "", "expected a table: [vvm]"),
        ("[asterisk]\nari = ''\nbeep = 3", "asterisk.beep", "3", "expected true or false"),
        ("[sms]\nsmsc = {}", "sms.smsc", "", "expected tables: [[sms.smsc]]"),
        ("[sms]\nsmsc = [1]", "sms.smsc", "", "expected tables: [[sms.smsc]]"),
    ],
)
def test_a_wrong_type_is_told_with_key_value_and_what_is_right(
    write: Write, text: str, key: str, value: str, right: str
) -> None:
    file = write(text)
    assert mistakes(file) == (Mistake(key, right, value, source=str(file)),)


class Demanding(msgspec.Struct, frozen=True):
    name: str
    table: Config
    port: int = 1


def test_a_key_that_must_be_given_is_missed() -> None:
    assert list(compare({"port": 2}, Demanding, "x.")) == [
        Mistake("x.name", "is missing: expected string"),
        Mistake("x.table", "is missing: expected a table"),
    ]


def test_a_mistake_is_not_blamed_on_who_said_a_key_of_a_longer_name(write: Write) -> None:
    file = write("[tls]\nkey = 'k'\n")
    (mistake, *_) = mistakes(file, {"VVM_TLS__CERTIFICATES": "x"})
    assert (mistake.key, mistake.source) == ("tls.certificates", "VVM_TLS__CERTIFICATES")
    missing = mistakes(file)[0]
    assert (missing.key, missing.source) == ("tls.certificate", str(file))


def test_a_long_value_is_told_in_short(write: Write) -> None:
    (mistake,) = mistakes(write(f"[http]\nmax_body_bytes = '{'x' * 500}'"))
    assert len(mistake.value) == 60
    assert mistake.value.endswith("…")


def test_all_mistakes_are_told_at_once_a_line_each(write: Write) -> None:
    file = write("[imap]\nlisen = 1\n[http]\nmax_body_bytes = 'x'\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value).splitlines() == [
        f"{file}: imap.lisen: unknown key; did you mean imap.listen?",
        f'{file}: http.max_body_bytes = "x": expected whole number',
    ]


def test_the_value_of_a_secret_is_never_told(write: Write) -> None:
    file = write(
        "[[sms.smsc]]\npassword = 8\npasword = 'hunter2'\n[[sms.smsc]]\npassword = 'hunter2-is-too-long'"
    )
    with pytest.raises(ConfigError) as caught:
        load(file, {"VVM_SMS__SMSC__2__PASSWORD": "hunter2-is-too-long"})
    assert "hunter2" not in str(caught.value)
    assert "= 8" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"), [("a =", "is not TOML"), ("[vvm]\n[vvm]\n", "is not TOML"), ("x = '''", "is not TOML")]
)
def test_what_is_not_toml_is_told_with_its_place(write: Write, text: str, told: str) -> None:
    (mistake,) = mistakes(write(text))
    assert mistake.right.startswith(told)
    assert "line" in mistake.right or "end of document" in mistake.right


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path / "none.toml")
    assert str(mistake) == f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory"


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "vvm.toml"
    file.write_bytes(b"\xff\xfe")
    assert mistakes(file)[0].right == "must be UTF-8"


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("VVM_VVM__DOMAIN", "mail.example.org", "vvm.domain", '"mail.example.org"'),
        ("VVM_IMAP__LISTEN", '["0.0.0.0:143"]', "imap.listen", '["0.0.0.0:143"]'),
        ("VVM_IMAP__LIMITS__MAX_LINE_BYTES", "9000", "imap.limits.max_line_bytes", "9000"),
        ("VVM_IMAP__LIMITS__REQUIRE_TLS", "false", "imap.limits.require_tls", "false"),
        ("VVM_DEPOSIT__SILENCE_DBFS", "-40", "deposit.silence_dbfs", "-40"),
        ("VVM_VVM__CLIENT__CODING", "gsm7", "vvm.client.coding", '"gsm7"'),
        ("VVM_LOG__FORMAT", "json", "log.format", '"json"'),
        ("VVM_SMS__SMSC__0__PORT", "3550", "sms.smsc[0].port", "3550"),
        ("VVM_SMS__SMSC__1__NAME", "other", "sms.smsc[1].name", '"other"'),
    ],
)
def test_the_environment_overrides_the_file(
    write: Write, variable: str, text: str, key: str, value: str
) -> None:
    file = write('[vvm]\ndomain = "vvm.example.com"\n[[sms.smsc]]\nname = "main"\n')
    (explained,) = explain(load_with_origins(file, {variable: text}), key)
    assert (explained.value.removesuffix(".0"), explained.origin) == (value, variable)


def test_a_whole_table_may_come_from_the_environment(write: Write) -> None:
    config = load(write(""), {"VVM_SMS__SMSC": '[{name = "a"}, {name = "b", port = 1}]'})
    assert [smsc.name for smsc in config.sms.smsc] == ["a", "b"]


def test_variables_of_others_are_left_alone(write: Write) -> None:
    environ = {"VVM_CONFIG": "x", "VVM": "x", "HOME": "x", "XVVM_IMAP__LISTEN": "x"}
    assert load(write(""), environ) == Config()


@pytest.mark.parametrize(
    ("variable", "text", "key", "right"),
    [
        ("VVM_IMAP__LISEN", "x", "imap.lisen", "unknown key; did you mean imap.listen?"),
        ("VVM_IMPA__LISTEN", "x", "impa", "unknown key; did you mean imap?"),
        ("VVM_IMAP__LISTEN", "0.0.0.0:143", "imap.listen", "expected list of strings, written as in TOML"),
        ("VVM_IMAP__LISTEN", "3", "imap.listen", "expected list of strings"),
        ("VVM_SMS__SMSC", "x", "sms.smsc", "expected a table, written as in TOML"),
        ("VVM_SMS__SMSC__7__PORT", "1", "sms.smsc[7].port", "leads to no value; a list is numbered from 0"),
        ("VVM_SMS__SMSC__X__PORT", "1", "sms.smsc.x.port", "leads to no value; a list is numbered from 0"),
        ("VVM_VVM__DOMAIN__X", "1", "vvm.domain.x", "leads to no value; a list is numbered from 0"),
        ("VVM_HTTP__LISTEN", "nowhere", "http.listen", "host:port with a port between 0 and 65535"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    write: Write, variable: str, text: str, key: str, right: str
) -> None:
    file = write('[vvm]\ndomain = "a.example"\n[[sms.smsc]]\n')
    (mistake,) = mistakes(file, {variable: text})
    assert (mistake.source, mistake.key) == (variable, key)
    assert mistake.right.startswith(right)


def test_a_password_may_stand_in_a_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "smsc").write_text("s3cret\n")
    config = load(write(f'[[sms.smsc]]\npassword_file = "{tmp_path}/smsc"\n'), {})
    assert config.sms.smsc[0].password == "s3cret"


def test_the_name_of_the_file_may_come_from_the_environment(write: Write, tmp_path: Path) -> None:
    (tmp_path / "smsc").write_text("s3cret")
    environ = {"VVM_SMS__SMSC__0__PASSWORD_FILE": str(tmp_path / "smsc")}
    loaded = load_with_origins(write("[[sms.smsc]]\n"), environ)
    assert loaded.config.sms.smsc[0].password == "s3cret"
    (explained,) = explain(loaded, "sms.smsc[0].password")
    assert (explained.value, explained.origin) == ('"***"', "VVM_SMS__SMSC__0__PASSWORD_FILE")


@pytest.mark.parametrize(
    ("octets", "right"),
    [
        (b"", "a file with the secret as its only line"),
        (b"\n", "a file with the secret as its only line"),
        (b"one\ntwo\n", "a file with the secret as its only line"),
        (b"x" * 5000, "a file with the secret as its only line"),
        (b"\xff\xfe", "a file of UTF-8 text"),
    ],
)
def test_a_file_that_holds_no_secret_is_told(write: Write, tmp_path: Path, octets: bytes, right: str) -> None:
    (tmp_path / "smsc").write_bytes(octets)
    (mistake,) = mistakes(write(f'[[sms.smsc]]\npassword_file = "{tmp_path}/smsc"\n'))
    assert (mistake.key, mistake.right) == ("sms.smsc[0].password_file", right)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('password_file = "/no/such/file"', "a file that can be read: No such file or directory"),
        ("password_file = 3", "expected string: the name of a file"),
        ('password_file = "x"\npassword = "y"', "give either this or password, not both"),
    ],
)
def test_a_secret_file_that_cannot_be_taken_is_told(write: Write, text: str, right: str) -> None:
    (mistake,) = mistakes(write(f"[[sms.smsc]]\n{text}\n"))
    assert (mistake.key, mistake.right) == ("sms.smsc[0].password_file", right)


def test_explain_tells_value_origin_and_meaning(write: Write) -> None:
    file = write('[imap]\nlisten = ["127.0.0.1:1"]\n')
    section = explain(load_with_origins(file, {}), "imap")
    listen, listen_tls, *_, last = section
    assert (listen.key, listen.value, listen.origin) == ("imap.listen", '["127.0.0.1:1"]', str(file))
    assert listen.meaning == "Addresses and ports for STARTTLS."
    assert (listen_tls.key, listen_tls.origin) == ("imap.listen_tls", "default")
    assert last.key.startswith("imap.limits.")
    assert all(one.key.startswith("imap.") for one in section)


def test_explain_without_a_key_tells_of_everything(write: Write) -> None:
    keys = {one.key for one in explain(load_with_origins(write("[[sms.smsc]]\n"), {}))}
    assert {"store.url", "imap.limits.max_line_bytes", "sms.smsc[0].port", "vvm.client.port"} <= keys
    assert not any(key.startswith("asterisk") for key in keys)


def test_explain_refuses_a_key_that_is_not_there(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"imap\.lis: no such key"):
        explain(load_with_origins(write(""), {}), "imap.lis")
