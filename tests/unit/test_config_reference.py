# SPDX-License-Identifier: Apache-2.0
"""The reference and the example say what the code does, because the code wrote them."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.settings import SmscSettings, TlsSettings
from vvm.config.errors import ConfigError
from vvm.config.load import load
from vvm.config.reference import DOCUMENT, EXAMPLE, document, example, sections
from vvm.config.schema import Field, fields, intro, words
from vvm.config.sections import Config
from vvm.config.toml import render
from vvm.fronts.asterisk.settings import AsteriskSettings

ROOT = Path(__file__).parents[2]
WRITE_AGAIN = "run `python -m vvm.config.reference`"


def test_the_reference_in_the_tree_is_the_one_of_the_code() -> None:
    assert (ROOT / DOCUMENT).read_text(encoding="utf-8") == document(), WRITE_AGAIN


def test_the_example_in_the_tree_is_the_one_of_the_code() -> None:
    assert (ROOT / EXAMPLE).read_text(encoding="utf-8") == example(), WRITE_AGAIN


def test_the_example_as_it_stands_is_all_defaults() -> None:
    assert load(ROOT / EXAMPLE, {}) == Config()


def test_the_example_with_every_key_taken_in_says_what_the_defaults_say(tmp_path: Path) -> None:
    (tmp_path / "ari").write_text("secret")
    text = re.sub(r"^#(?! )", "", example(), flags=re.MULTILINE)
    file = tmp_path / "vvm.toml"
    text = text.replace('callback_password = ""', 'callback_password = "token"')
    file.write_text(text.replace('ari_password_file = ""', f'ari_password_file = "{tmp_path}/ari"'))
    config = load(file, {})
    assert msgspec.structs.replace(config, sms=Config().sms, asterisk=None) == Config()
    assert config.sms.smsc == (SmscSettings(tls=TlsSettings()),)
    assert config.sms.kannel == (KannelSettings(callback_password="token"),)
    assert config.asterisk == AsteriskSettings(ari_password_file=f"{tmp_path}/ari", system_name="")


def test_what_script_run_starts_from_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    config = load(ROOT / "conf/dev.toml", {})
    assert [smsc.port for smsc in config.sms.smsc] == [2775]
    assert config.asterisk is None
    assert config.store.path is not None
    assert config.store.path.parts[0] == config.state.directory == "var"


def test_every_section_and_every_key_is_explained() -> None:
    assert [section.key for section in sections() if not section.intro] == []
    undocumented = {
        f"{section.key}.{field.name}" for section in sections() for field in section.fields if not field.doc
    }
    assert not undocumented


def test_a_default_that_depends_on_the_machine_is_not_written_down() -> None:
    found = [field for section in sections() for field in section.fields if field.computed]
    assert [field.name for field in found] == ["system_name"]
    assert '#system_name = ""\n' in example()


class Inner(msgspec.Struct, frozen=True):
    """A table."""


class Sample(msgspec.Struct, frozen=True):
    """What a section
    may hold."""

    plain: int
    """Required,
    and on two lines."""
    texts: tuple[str, ...] = ()
    bare: float = 1.5
    inner: Inner | None = None
    """Documents itself
    otherwise."""
    password: str = ""


def field(name: str) -> Field:
    return next(one for one in fields(Sample) if one.name == name)


def test_a_field_is_read_off_its_struct() -> None:
    assert intro(Sample) == "What a section may hold."
    assert (field("plain").doc, field("plain").required) == ("Required, and on two lines.", True)
    assert (field("bare").doc, field("bare").required, field("bare").default) == ("", False, 1.5)
    assert words(field("texts").type) == "list of strings"
    assert field("password").secret
    assert not field("plain").secret
    inner = field("inner").table
    assert inner is not None
    assert (inner.settings, inner.optional, inner.many) == (Inner, True, False)


def test_a_type_without_words_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no words"):
        words(bytes)


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(string.ascii_letters + ' ."é', min_size=1), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=200)
def test_what_is_rendered_reads_as_the_same_value(value: object) -> None:
    assert tomllib.loads(f"value = {render(value)}")["value"] == value


def test_what_no_setting_can_be_is_not_rendered() -> None:
    with pytest.raises(TypeError, match="bytes"):
        render(b"octets")


LEAVES = [
    (f"{section.key}.{field.name}", field)
    for section in sections()
    for field in section.fields
    if not section.absent and field.type in {int, float, str, bool}
]
OF_TYPE = {
    int: st.integers(1, 10),
    float: st.integers(1, 10).map(float),
    bool: st.booleans(),
    str: st.just("") | st.text("abc.", min_size=1),
}


@given(st.data(), st.sampled_from(LEAVES))
@settings(max_examples=60)
def test_a_value_says_the_same_in_the_environment_and_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, leaf: tuple[str, Field]
) -> None:
    key, field = leaf
    assert isinstance(field.type, type)
    value = data.draw(OF_TYPE[field.type])
    section, _, name = key.rpartition(".")
    folder = tmp_path_factory.mktemp("config")
    (folder / "empty.toml").touch()
    (folder / "said.toml").write_text(f"[{section}]\n{name} = {render(value)}\n")
    variable = "VVM_" + key.replace(".", "__").upper()
    text = value if isinstance(value, str) else render(value)
    assert outcome(folder / "empty.toml", {variable: text}) == outcome(folder / "said.toml", {})


def outcome(file: Path, environ: dict[str, str]) -> object:
    """The configuration, or the mistakes without who said them."""
    try:
        return load(file, environ)
    except ConfigError as error:
        return [(mistake.key, mistake.value, mistake.right) for mistake in error.mistakes]
