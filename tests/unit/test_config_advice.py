# SPDX-License-Identifier: Apache-2.0
"""What is allowed, and told to be seldom meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_config_checks import made_certificate
from vvm.config.advice import advise
from vvm.config.load import load
from vvm.config.sections import Config, StoreSettings

REAL = """
[imap]
listen = ["0.0.0.0:143"]
[vvm]
imap_host = "{host}"
[tls]
certificate = "{directory}/tls.crt"
key = "{directory}/tls.key"
[[sms.smsc]]
[asterisk]
ari = ""
"""


def advised(config: Config) -> list[str]:
    return [advice.key for advice in advise(config)]


def test_an_empty_configuration_is_told_what_it_lacks() -> None:
    assert advised(Config()) == ["tls.certificate", "imap.listen", "vvm.imap_host", "sms.smsc", "asterisk"]


@pytest.mark.parametrize(
    ("named", "host", "right"),
    [
        ("vvm.carrier.com", "vvm.carrier.com", True),
        ("vvm.carrier.com", "VVM.carrier.com", True),
        ("*.carrier.com", "vvm.carrier.com", True),
        ("*.carrier.com", "a.vvm.carrier.com", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("vvm.carrier.com", "imap.carrier.com", False),
    ],
)
def test_a_certificate_should_name_the_host_that_handsets_are_sent_to(
    tmp_path: Path, named: str, host: str, right: bool
) -> None:
    file = tmp_path / "vvm.toml"
    file.write_text(REAL.format(host=host, directory=made_certificate(tmp_path / "state", named)))
    assert advised(load(file, {})) == ([] if right else ["tls.certificate"])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[http]\nlisten = '0.0.0.0:8080'", "http.listen"),
        ("[http]\nlisten = '[::]:8080'", "http.listen"),
        ("[self_service]\nurl = 'http://vvm.example.net'\nlisten = '0.0.0.0:80'", "self_service.listen"),
        ("[imap.limits]\nrequire_tls = false", "imap.limits.require_tls"),
    ],
)
def test_what_others_could_read_on_the_way_is_told(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "vvm.toml"
    file.write_text(text)
    assert set(advised(load(file, {}))) - set(advised(Config())) == {key}


def test_tls_and_this_machine_need_no_advice(tmp_path: Path) -> None:
    made = made_certificate(tmp_path / "made")
    file = tmp_path / "vvm.toml"
    for listen, more in (
        ("127.0.0.1:8081", ""),
        ("0.0.0.0:443", f"certificate = '{made / 'tls.crt'}'\nkey = '{made / 'tls.key'}'"),
    ):
        file.write_text(f"[self_service]\nurl = 'https://vvm.example.net'\nlisten = '{listen}'\n{more}")
        assert advised(load(file, {})) == advised(Config())


def test_three_slashes_before_a_directory_that_is_there_from_the_root_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    meant = tmp_path / "vvm.db"
    (advice,) = (one for one in advise(_stored_at(f"sqlite://{meant}")) if one.key == "store.url")
    assert f"sqlite:///{meant}" in advice.text
    for url in (f"sqlite:///{meant}", "sqlite:///vvm.db", "sqlite:///not/there/vvm.db"):
        assert "store.url" not in advised(_stored_at(url))


def _stored_at(url: str) -> Config:
    return Config(store=StoreSettings(url=url))
