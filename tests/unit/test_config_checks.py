# SPDX-License-Identifier: Apache-2.0

"""Every rule of the configuration that a type cannot express."""

from __future__ import annotations

from pathlib import Path

import pytest

from vvm.config.address import Address, parse_address
from vvm.config.errors import ConfigError
from vvm.config.load import load
from vvm.runtime.keys import tls_context


def made_certificate(directory: Path, host: str = "vvm.example.net") -> Path:
    """A directory with a certificate of its own, as the first start makes it."""
    tls_context(directory / "tls.crt", directory / "tls.key", host=host, made_here=True)
    return directory


def told(tmp_path: Path, text: str) -> list[tuple[str, str, str]]:
    """Key, value and what would be right, of each mistake."""
    file = tmp_path / "vvm.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert all(mistake.source == str(file) for mistake in caught.value.mistakes)
    return [(mistake.key, mistake.value, mistake.right) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:1143", Address("127.0.0.1", 1143)),
        ("[::1]:993", Address("::1", 993)),
        ("vvm.example.net:143", Address("vvm.example.net", 143)),
        ("localhost:0", Address("localhost", 0)),
        ("0.0.0.0:65535", Address("0.0.0.0", 65535)),
    ],
)
def test_an_address_has_a_host_and_a_port(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "143", ":143", "host", "host:", "host:x", "host:65536", "host:-1", "host:²", "host:1:2"),
        *("::1:993", "[x]:1", "[::1]", "[::1:80", "http://host:80", "host :80", "-host:80"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="for example"):
        parse_address(text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("imap.listen[1]", "[imap]\nlisten = ['127.0.0.1:1', 'x']"),
        ("imap.listen_tls[0]", "[imap]\nlisten_tls = ['x']"),
        ("http.listen", "[http]\nlisten = 'x'"),
    ],
)
def test_each_listen_key_takes_addresses(tmp_path: Path, key: str, text: str) -> None:
    ((told_key, value, right),) = told(tmp_path, text)
    assert (told_key, value) == (key, '"x"')
    assert right.startswith("host:port")


@pytest.mark.parametrize(
    ("text", "key", "value", "right"),
    [
        ("[store]\nurl = 'mysql://h/d'", "store.url", '"mysql://h/d"', "postgresql://USER@HOST/DATABASE"),
        ("[store]\nurl = 'postgresql://h'", "store.url", "", "the name of a database"),
        ("[store]\nurl = 'postgresql://h:x/d'", "store.url", "", "the port a number"),
        ("[store]\nurl = 'postgresql://u:secret@h/d'", "store.url", "", "no password in it"),
        ("[store]\nurl = 'postgresql:///d?password=x'", "store.url", "", "no password in it"),
        ("[store]\nurl = 'mysql://u:secret@h/d'", "store.url", "", "postgresql://USER@HOST/DATABASE"),
        (
            "[notification]\nreceipt_gate = ['main']",
            "notification.receipt_gate[0]",
            '"main"',
            "the name of an SMSC",
        ),
        (
            "[notification.texts]\neng = '{number} {amount}'",
            "notification.texts.eng",
            '"{number} {amount}"',
            "a text with {count} and {number} at most",
        ),
        (
            "[notification.nearly_full_texts]\neng = '{number} {amount}'",
            "notification.nearly_full_texts.eng",
            '"{number} {amount}"',
            "a text with {percent} and {number} at most",
        ),
        (
            "[notification.expiry_texts]\neng = '{number} {amount}'",
            "notification.expiry_texts.eng",
            '"{number} {amount}"',
            "a text with {days}, {notice} and {number} at most",
        ),
        (
            "[pin.texts]\neng = 'PIN'",
            "pin.texts.eng",
            '"PIN"',
            "{pin} and {number} at most, {pin} among them",
        ),
        ("[device.texts]\neng = '{cod}'", "device.texts.eng", '"{cod}"', "a text with {code} at most"),
        ("[pin]\nmade_digits = 31", "pin.made_digits", "31", "30"),
        ("[vvm]\npin_min_digits = 31\npin_max_digits = 40", "vvm.pin_min_digits", "31", "1 to 30"),
        ("[vvm]\npin_max_digits = 31", "vvm.pin_max_digits", "31", "1 to 30"),
        ("[vvm]\ncarriers = '/no/such'", "vvm.carriers", '"/no/such"', "not a directory"),
        ("[vvm]\ncarrier = 'orange-fr'", "vvm.carrier", '"orange-fr"', "no file of vvm.carriers has it"),
        ("[store]\nurl = 'sqlite:///'", "store.url", '"sqlite:///"', "sqlite:///PATH"),
        ("[vvm]\ndomain = 'vvm'", "vvm.domain", '"vvm"', "a domain with a dot"),
        ("[vvm]\ndomain = 'a@b.c'", "vvm.domain", '"a@b.c"', "a domain with a dot"),
        ("[vvm]\nimap_host = 'imap://x'", "vvm.imap_host", '"imap://x"', "srv= of STATUS"),
        ("[vvm]\nimap_host = 'x.y:143'", "vvm.imap_host", '"x.y:143"', "a bare host"),
        ("[vvm]\nimap_host = '2001:db8::1'", "vvm.imap_host", '"2001:db8::1"', "a bare host"),
        ("[vvm]\nservice_number = '+5511'", "vvm.service_number", '"+5511"', "digits only"),
        ("[vvm]\nservice_number = ''", "vvm.service_number", '""', "digits only"),
        (
            "[vvm]\ntui_number = 'call me'",
            "vvm.tui_number",
            '"call me"',
            "tui= of STATUS must be a telephone",
        ),
        ("[vvm]\nlanguages = ['eng|fre']", "vvm.languages", '["eng|fre"]', "none of them with |"),
        ("[vvm]\nimap_port = 65536", "vvm.imap_port", "65536", "a port from 1 to 65535"),
        ("[vvm.client]\nport = 32768", "vvm.client.port", "32768", "at most 32767"),
        ("[vvm.client]\nprefix = '//V:M'", "vvm.client.prefix", '"//V:M"', "none of them a space"),
        ("[vvm.client]\nprefix = ''", "vvm.client.prefix", '""', "1 to 30"),
        ("[vvm]\npin_min_digits = 10", "vvm.pin_min_digits", "10", "at most vvm.pin_max_digits, which is 9"),
        ("[vvm]\nmax_messages = 0", "vvm.max_messages", "0", "1 to 1000000"),
        ("[imap]\nlisten = []", "vvm.imap_port", "0", "imap.listen has none to take"),
        ("[asterisk]\nari = ''\nintake_workers = 0", "asterisk.intake_workers", "0", "more than 0"),
        ("[asterisk]\nari = ''\nspool_every = 0.0", "asterisk.spool_every", "0.0", "more than 0"),
        ("[asterisk]\nari = ''\nrecover_every = 0.0", "asterisk.recover_every", "0.0", "more than 0"),
        ("[asterisk]\nari = ''\nspool = '/no/such'", "asterisk.spool", '"/no/such"', "may read"),
        ("[asterisk]\nari = ''\nspool = '/dev/null'", "asterisk.spool", '"/dev/null"', "a directory"),
        ("[imap.limits]\nsweep_seconds = 0.0", "imap.limits.sweep_seconds", "0.0", "more than 0"),
        ("[imap.limits]\nslice_seconds = 0.0", "imap.limits.slice_seconds", "0.0", "more than 0"),
        ("[[sms.smsc]]\ninbound_workers = 0", "sms.smsc[0].inbound_workers", "0", "more than 0"),
        ("[http]\nlinger_seconds = -1.0", "http.linger_seconds", "-1.0", "0 to 3153600000"),
        ("[state]\ndirectory = '/dev/null'", "state.directory", '"/dev/null"', "/dev/null is not a dir"),
        ("[state]\ndirectory = '/dev/null/var'", "state.directory", '"/dev/null/var"', "Not a directory"),
        ("[store]\nurl = 'sqlite:////dev/null/a'", "store.url", '"sqlite:////dev/null/a"', "not a dir"),
        ("[store]\nurl = 'sqlite:////tmp'", "store.url", '"sqlite:////tmp"', "is not a file"),
        ("[secrets]\nmaster_key_file = '/dev/null'", "secrets.master_key_file", '"/dev/null"', "can be read"),
        ("[http]\nlisten = '127.0.0.1:1993'", "http.listen", '"127.0.0.1:1993"', "imap.listen_tls[0] has it"),
        ("[http]\nlisten = '0.0.0.0:1143'", "http.listen", '"0.0.0.0:1143"', "imap.listen[0] has it"),
        ("[http]\nmax_body_bytes = 0", "http.max_body_bytes", "0", "more than 0"),
        ("[http]\nbody_seconds = -1.0", "http.body_seconds", "-1.0", "more than 0, at most"),
        ("[http]\nbody_seconds = inf", "http.body_seconds", "inf", "more than 0, at most"),
        ("[http]\nbody_seconds = nan", "http.body_seconds", "nan", "more than 0, at most"),
        ("[retention]\njournal_days = 36501", "retention.journal_days", "36501", "at most 36500"),
        ("[retention]\njournal_days = 0", "retention.journal_days", "0", "more than 0"),
        ("[vvm]\nmax_messages = 1000001", "vvm.max_messages", "1_000_001", "1 to 1000000"),
        ("[deposit]\ntranscoders = 0", "deposit.transcoders", "0", "1 to 1024"),
        ("[deposit]\ntranscoders = 1025", "deposit.transcoders", "1025", "1 to 1024"),
        ("[vvm]\nclose_grace_days = 36501", "vvm.close_grace_days", "36501", "0 to 36500"),
        ("[vvm]\nclose_grace_days = -1", "vvm.close_grace_days", "-1", "0 to 36500"),
        ("[vvm]\nquarantine_days = 36501", "vvm.quarantine_days", "36501", "0 to 36500"),
        ("[vvm]\npassword_grace_hours = 876001", "vvm.password_grace_hours", "876001", "at most 876000"),
        ("[pin]\nlockout_minutes = 52560001", "pin.lockout_minutes", "52_560_001", "at most 52560000"),
        ("[pin]\nmemory_kib = 7", "pin.memory_kib", "7", "8 to 4194304"),
        ("[pin]\nmemory_kib = 4194305", "pin.memory_kib", "4_194_305", "8 to 4194304"),
        ("[pin]\nthreads = 257", "pin.threads", "257", "1 to 256"),
        ("[http]\nidempotency_hours = 1e6", "http.idempotency_hours", "1000000.0", "at most 876000"),
        ("[sms.redelivery]\nseconds = 1e10", "sms.redelivery.seconds", "10000000000.0", "at most 3153600000"),
        ("[store.postgres]\npartitions = 1025", "store.postgres.partitions", "1025", "1 to 1024"),
        ("[notification]\nsync_hours = 876001", "notification.sync_hours", "876001", "at most 876000"),
        ("[imap.limits]\nmax_line_bytes = -1", "imap.limits.max_line_bytes", "-1", "more than 0"),
        ("[[sms.smsc]]\nwindow = 0", "sms.smsc[0].window", "0", "more than 0"),
        ("[[sms.smsc]]\nrate = 0.0", "sms.smsc[0].rate", "0.0", "more than 0"),
        ("[[sms.smsc]]\nport = 0", "sms.smsc[0].port", "0", "between 1 and 65535"),
        ("[[sms.smsc]]\nhost = 'a:b'", "sms.smsc[0].host", '"a:b"', "a bare host"),
        ("[[sms.smsc]]\n[[sms.smsc]]", "sms.smsc[1].name", '"main"', "no other SMSC has"),
        (
            "[[sms.smsc]]\nsystem_id = 'sixteen letters!'",
            "sms.smsc[0].system_id",
            '"sixteen letters!"',
            "15 oct",
        ),
        ("[[sms.smsc]]\npassword = 'too-long!'", "sms.smsc[0].password", "", "at most 8 octets"),
        (
            "[[sms.smsc]]\nstatus_actions = {0x40B = 'hold', 0x58 = 'panic'}",
            "sms.smsc[0].status_actions.0x58",
            '"panic"',
            'expected "slow_down" or "hold"',
        ),
        ("[vvm]\nlanguages = []", "vvm.languages", "[]", "at least one code"),
        (
            "[tls]\ncertificate = '/'\nkey = '/no'",
            "tls.certificate",
            '"/"',
            "a file that can be read: Is a directory",
        ),
        (
            "[tls]\ncertificate = '/'\nkey = '/no'",
            "tls.key",
            '"/no"',
            "a file that can be read: No such file or directory",
        ),
        (
            "[[sms.smsc]]\nstatus_actions = {refused = 'refuse'}",
            "sms.smsc[0].status_actions",
            '"refused"',
            "numbers as keys",
        ),
        (
            "[[sms.smsc]]\n[sms.smsc.tls]\nca = '/no'",
            "sms.smsc[0].tls.ca",
            '"/no"',
            "a file that can be read",
        ),
        (
            "[[sms.smsc]]\nresponse_seconds = 90.0",
            "notification.lease_seconds",
            "240",
            "longer than sms.smsc[0] may hold an SMS, which is 552.0 seconds",
        ),
        (
            "[tls]\ncertificate = '/no'\nkey = '/dev/null'",
            "tls.certificate",
            '"/no"',
            "a file that can be read",
        ),
        ("[secrets]\nmaster_key_file = '/no'", "secrets.master_key_file", '"/no"', "a file that can be read"),
        ("[http]\nadmin_token_file = '/no'", "http.admin_token_file", '"/no"', "a file that can be read"),
        ("[asterisk]", "asterisk.ari_password_file", '""', "a file that can be read"),
    ],
)
def test_a_value_that_cannot_work_is_told_with_what_would(
    tmp_path: Path, text: str, key: str, value: str, right: str
) -> None:
    found = {told_key: (told_value, told_right) for told_key, told_value, told_right in told(tmp_path, text)}
    assert key in found
    told_value, told_right = found[key]
    assert told_value == value
    assert right in told_right


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    certificate = tmp_path / "crt"
    certificate.touch()
    ((key, _, right),) = told(tmp_path, f"[tls]\ncertificate = '{certificate}'")
    assert (key, right) == ("tls.key", "certificate and key go together: give both or neither")


def test_a_certificate_is_refused_with_the_key_of_another(tmp_path: Path) -> None:
    ours, theirs = made_certificate(tmp_path / "ours"), made_certificate(tmp_path / "theirs")
    text = "[tls]\ncertificate = '{}'\nkey = '{}'\n"
    fitting = tmp_path / "fitting.toml"
    fitting.write_text(text.format(ours / "tls.crt", ours / "tls.key"))
    assert load(fitting, {}).tls.key
    ((key, _, right),) = told(tmp_path, text.format(ours / "tls.crt", theirs / "tls.key"))
    assert (key, right) == ("tls.key", "the key of tls.certificate, both PEM, no passphrase")


@pytest.mark.parametrize("section", ["http", "self_service"])
def test_what_speaks_tls_needs_both_files(tmp_path: Path, section: str) -> None:
    made = made_certificate(tmp_path / "made")
    ((key, _, right),) = told(tmp_path, f"[{section}]\ncertificate = '{made}/tls.crt'")
    assert (key, right) == (f"{section}.key", "certificate and key go together: give both or neither")
    found = {key for key, *_ in told(tmp_path, f"[{section}]\ncertificate = '/no'\nkey = '/no'")}
    assert found == {f"{section}.certificate", f"{section}.key"}


def test_a_master_key_has_its_size_wherever_it_is(tmp_path: Path) -> None:
    short = tmp_path / "master.key"
    short.write_bytes(b"x" * 31)
    right = f"a file of 32 octets, and {short} has 31"
    for text in (f"[secrets]\nmaster_key_file = '{short}'", f"[state]\ndirectory = '{tmp_path}'"):
        assert [(key, told_right) for key, _, told_right in told(tmp_path, text)] == [
            ("secrets.master_key_file", right)
        ]


def test_asterisk_is_reached_by_http(tmp_path: Path) -> None:
    password = tmp_path / "ari"
    password.write_text("secret")
    found = told(tmp_path, f"[asterisk]\nari = '127.0.0.1:8088'\nari_password_file = '{password}'")
    assert found == [("asterisk.ari", '"127.0.0.1:8088"', "an address, for example http://127.0.0.1:8088")]


# rows: ST-12
def test_languages_fit_into_a_status(tmp_path: Path) -> None:
    codes = ["abc"] * 9 + ["x"]
    assert len("|".join(codes)) == 37
    ((key, _, right),) = told(tmp_path, f"[vvm]\nlanguages = {codes}")
    assert key == "vvm.languages"
    assert "36 characters at most" in right
    fitting = tmp_path / "fitting.toml"
    fitting.write_text(f"[vvm]\nlanguages = {codes[:9]}\n")
    assert load(fitting, {}).vvm.languages == ("abc",) * 9


def test_a_domain_leaves_room_for_the_longest_number_in_a_user_name(tmp_path: Path) -> None:
    domain = f"{'x' * 30}.net"
    assert len(f"{15 * '9'}@{domain}") == 50
    file = tmp_path / "fitting.toml"
    file.write_text(f"[vvm]\ndomain = '{domain}'\n")
    assert load(file, {}).vvm.domain == domain
    ((key, _, right),) = told(tmp_path, f"[vvm]\ndomain = 'x{domain}'\n")
    assert (key, right) == (
        "vvm.domain",
        "u= of STATUS must be 50 characters at most, of letters, digits and @ . _ + -",
    )


@pytest.mark.parametrize(
    "text",
    [
        "[vvm.client]\nport = 32767",
        "[http]\nlisten = '127.0.0.2:1143'",
        "[http]\nlisten = '[::]:1143'",
        "[imap]\nlisten = ['0.0.0.0:143', '[::]:143']",
        "[http]\nlisten = '127.0.0.1:0'\n[imap]\nlisten = ['127.0.0.1:0', '127.0.0.1:0']",
        "[vvm.client]\nport = 0",
        "[deposit]\nsilence_dbfs = -90.0",
        "[http]\nlinger_seconds = 0.0",
        "[vvm]\nimap_host = '192.0.2.1'",
        "[vvm]\ntui_number = '+33611223344'",
        "[imap]\nlisten = []\n[vvm]\nimap_port = 143",
        "[asterisk]\nari = ''",
        "[[sms.smsc]]\nsystem_id = 'fifteen letters'\npassword = '8 octets'",
    ],
)
def test_a_value_at_the_edge_is_taken(tmp_path: Path, text: str) -> None:
    file = tmp_path / "vvm.toml"
    file.write_text(text)
    load(file, {})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('user = "asterisk"', "imap.master.password"),
        ('user = "asterisk"\npassword = "too short"', "imap.master.password"),
        ('password = "0123456789abcdef"', "imap.master.user"),
        ('networks = ["192.0.2.1/24"]', "imap.master.networks[0]"),
        ('networks = ["::1", "everywhere"]', "imap.master.networks[1]"),
    ],
)
def test_who_opens_every_mailbox_is_named_and_hard_to_guess(tmp_path: Path, text: str, key: str) -> None:
    ((told_key, value, right),) = told(tmp_path, f"[imap.master]\n{text}\n")
    assert told_key == key
    assert "too short" not in value + right


def test_tls_of_the_api_needs_its_certificate_and_authorities_that_are_some(tmp_path: Path) -> None:
    ((key, _, right),) = told(tmp_path, '[http]\nlisten_tls = "127.0.0.1:8443"')
    assert (key, right) == ("http.certificate", "a certificate, which http.listen_tls needs")
    made = made_certificate(tmp_path / "made")
    pair = f"certificate = '{made / 'tls.crt'}'\nkey = '{made / 'tls.key'}'\n"
    text = f'[http]\nlisten_tls = "127.0.0.1:8443"\n{pair}client_ca = '
    (tmp_path / "good.toml").write_text(f"{text}'{made / 'tls.crt'}'")
    assert load(tmp_path / "good.toml", {}).http.listen_tls == "127.0.0.1:8443"
    ((key, _, right),) = told(tmp_path, f"{text}'{made / 'tls.key'}'")
    assert (key, right) == ("http.client_ca", "certificates of authorities, in PEM")
