# SPDX-License-Identifier: Apache-2.0

"""STATUS texts: which fields, in which order, within which limits (sheet sections 6 and 23)."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ProvisioningStatus
from vvm.omtp.status import GreetingWanted, ReturnCode, StatusReply, UnfitField, render_status

READY = StatusReply(
    status=ProvisioningStatus.READY,
    return_code=ReturnCode.SUCCESS,
    server="vvm.example.net",
    tui="123",
    service_number="5511",
    imap_port=143,
    user="33612345678@vvm.example.net",
    password=Secret("k7Qm2x"),
    languages=("eng", "fre"),
    greeting_seconds=60,
    signature_seconds=10,
    pin_length=(4, 9),
)
SILENT = [ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED]
SPEAKING = [ProvisioningStatus.NEW, ProvisioningStatus.READY, ProvisioningStatus.PROVISIONED]


def fields(reply: StatusReply) -> dict[str, str]:
    text = render_status(reply, "//VVM").removeprefix("//VVM:STATUS:")
    return dict(field.split("=", 1) for field in text.split(";"))


# rows: SMS-01 SMS-03 ST-05 ST-07 ST-11 ST-12 ST-13 ST-14
def test_a_ready_subscriber_is_told_everything_in_the_order_of_the_profile() -> None:
    assert render_status(READY, "//VVM") == (
        "//VVM:STATUS:st=R;rc=0;srv=vvm.example.net;tui=123;dn=5511;ipt=143;"
        "u=33612345678@vvm.example.net;pw=k7Qm2x;lang=eng|fre;g_len=60;vs_len=10;pw_len=4-9;pm=N;gm=N"
    )


# rows: ST-06
@pytest.mark.parametrize(
    ("host", "told"), [("vvm.example.net", "2:vvm.example.net"), ("192.0.2.7", "1:192.0.2.7")]
)
def test_a_strict_carrier_is_told_the_kind_of_the_host(host: str, told: str) -> None:
    assert fields(msgspec.structs.replace(READY, server=host, host_kind=True))["srv"] == told


# rows: ST-01
@pytest.mark.parametrize(("status", "letter"), list(zip(ProvisioningStatus, "NRPUB", strict=True)))
def test_the_status_comes_first_and_bare(status: ProvisioningStatus, letter: str) -> None:
    reply = msgspec.structs.replace(READY, status=status)
    assert render_status(reply, "//VVM").startswith(f"//VVM:STATUS:st={letter};rc=0")


# rows: ST-02
@pytest.mark.parametrize("status", [ProvisioningStatus.NEW, ProvisioningStatus.READY])
def test_an_active_status_never_goes_with_a_failure(status: ProvisioningStatus) -> None:
    with pytest.raises(ValueError, match="success only"):
        msgspec.structs.replace(READY, status=status, return_code=ReturnCode.SYSTEM_ERROR)


# rows: ST-04 MO-13
@pytest.mark.parametrize("status", SILENT)
@pytest.mark.parametrize("return_code", ReturnCode)
def test_unknown_and_blocked_carry_status_and_return_code_only(
    status: ProvisioningStatus, return_code: ReturnCode
) -> None:
    reply = msgspec.structs.replace(READY, status=status, return_code=return_code)
    assert list(fields(reply)) == ["st", "rc"]


# rows: MO-13
def test_a_refused_request_is_answered_in_one_short_line() -> None:
    reply = StatusReply(status=ProvisioningStatus.UNKNOWN, return_code=ReturnCode.MAILBOX_UNKNOWN)
    assert render_status(reply, "//VVM") == "//VVM:STATUS:st=U;rc=3"


# rows: ST-04 ST-07
@pytest.mark.parametrize("status", SPEAKING)
def test_the_other_statuses_carry_server_and_credentials(status: ProvisioningStatus) -> None:
    told = fields(msgspec.structs.replace(READY, status=status))
    assert {"srv", "ipt", "u", "pw", "lang", "pw_len"} <= told.keys()


# rows: ST-14
def test_what_has_to_be_done_at_activation_is_told_to_active_clients_only() -> None:
    wanted = msgspec.structs.replace(READY, pin_reset=True, greeting_wanted=GreetingWanted.BOTH)
    assert (fields(wanted)["pm"], fields(wanted)["gm"]) == ("Y", "B")
    assert "pm" not in fields(msgspec.structs.replace(wanted, status=ProvisioningStatus.PROVISIONED))


def test_what_a_service_does_not_have_is_left_out() -> None:
    reply = msgspec.structs.replace(READY, tui=None, greeting_seconds=None, signature_seconds=None)
    assert {"tui", "g_len", "vs_len"}.isdisjoint(fields(reply))


# rows: ST-05 ST-07 ST-08 ST-10 ST-11 ST-12
@pytest.mark.parametrize(
    ("field", "largest"),
    [
        ("user", "u" * 50),
        ("password", Secret("p" * 30)),
        ("languages", ("e" * 18, "f" * 17)),
        ("pin_length", (10, 99)),
        ("imap_port", 65535),
        ("server", "192.0.2.1"),
    ],
)
def test_the_largest_value_is_taken_whole(field: str, largest: object) -> None:
    reply = msgspec.structs.replace(READY, **{field: largest})
    assert getattr(reply, field) == largest
    assert "" not in fields(reply).values()


# rows: ST-05 ST-07 ST-08 ST-10 ST-11 ST-12
@pytest.mark.parametrize(
    ("field", "key", "value"),
    [
        ("server", "srv", "2:vvm.example.net"),
        ("server", "srv", "vvm.example.net;x=1"),
        ("server", "srv", None),
        ("imap_port", "ipt", None),
        ("imap_port", "ipt", 0),
        ("imap_port", "ipt", 65536),
        ("user", "u", "u" * 51),
        ("user", "u", 'a"b'),
        ("user", "u", "é"),
        ("user", "u", None),
        ("password", "pw", Secret("p" * 31)),
        ("password", "pw", Secret("a;b")),
        ("password", "pw", Secret("")),
        ("password", "pw", None),
        ("languages", "lang", ("e" * 18, "f" * 18)),
        ("languages", "lang", ("eng;x",)),
        ("languages", "lang", ()),
        ("pin_length", "pw_len", (100, 200)),
        ("pin_length", "pw_len", (-4, 9)),
        ("pin_length", "pw_len", None),
        ("tui", "tui", "call me"),
        ("service_number", "dn", "55;11"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_never_shortened(
    field: str, key: str, value: object
) -> None:
    with pytest.raises(UnfitField, match=f"^{key}= of STATUS must be"):
        msgspec.structs.replace(READY, **{field: value})


# rows: SMS-14 ST-10
def test_no_password_shows_in_a_repr_or_a_refusal() -> None:
    assert "k7Qm2x" not in repr(READY)
    with pytest.raises(UnfitField) as refused:
        msgspec.structs.replace(READY, password=Secret("top secret"))
    assert "top secret" not in str(refused.value)


def test_a_refusal_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(UnfitField("u", "shorter")))
    assert (error.key, str(error)) == ("u", "u= of STATUS must be shorter")
