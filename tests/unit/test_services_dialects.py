# SPDX-License-Identifier: Apache-2.0

"""Each dialect from its client's SMS to the SMS that it gets, through the use cases."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.unit.services_world import ALICE, BOB, CALL, TWO_SECONDS, World
from vvm.config.carriers import load_carriers
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus
from vvm.omtp.carrier import Carriers, StatusFacts
from vvm.services.notification import Notice
from vvm.services.provisioning import SubscriberOptions, UnknownCarrier
from vvm.services.settings import NotificationSettings, ServiceSettings

NEW, READY = ProvisioningStatus.NEW, ProvisioningStatus.READY
PROVISIONED, UNKNOWN = ProvisioningStatus.PROVISIONED, ProvisioningStatus.UNKNOWN
BLOCKED = ProvisioningStatus.BLOCKED
VMG = "https://vmg.example.net/vmg"
SHIPPED = load_carriers(ServiceSettings(carriers=str(Path(__file__).parents[2] / "conf" / "carriers")))


def subscribing() -> Carriers:
    """The profiles that we ship, with a gateway where clients of Verizon subscribe by themselves."""
    verizon = SHIPPED["verizon-us"]
    facts = msgspec.structs.replace(verizon.status, vmg_url=VMG, self_subscription=True)
    return dict(SHIPPED) | {"verizon-us": msgspec.structs.replace(verizon, status=facts)}


async def world_of(
    carrier: str, status: ProvisioningStatus = PROVISIONED, *, carriers: Carriers = SHIPPED
) -> World:
    """A world with one subscriber whose client is that of a carrier."""
    service = ServiceSettings(imap_port=1143, client=carriers[carrier].client)
    settings = NotificationSettings(debounce_seconds=0, status_spacing_seconds=0)
    world = World(service=service, carriers=carriers, notification=settings)
    await world.subscriber(status)
    return world


async def one(world: World) -> Notice:
    (notice,) = await world.notification.lease(10)
    return notice


def fields(text: str) -> dict[str, str]:
    return dict(field.split("=", 1) for field in text.split(":", 2)[2].split(";"))


# CVVM


# rows: MO-04 MO-07 ST-02 ST-03
async def test_cvvm_is_activated_by_a_device_type_and_told_without_what_it_never_reads() -> None:
    world = await world_of("t-mobile-us")
    await world.sms_from_handset("Activate:dt=6")
    notice = await one(world)
    assert list(fields(notice.text)) == [
        *("st", "rc", "srv", "ipt", "u", "pw", "lang", "g_len", "vs_len", "pw_len"),
    ]
    assert (fields(notice.text)["st"], fields(notice.text)["lang"]) == ("R", "1|2|3|4")
    assert (notice.source, notice.port) == ("122", 1808)


# rows: MO-07 MO-14
@pytest.mark.parametrize("text", ["Status:dt=6", "STATUS:dt=6", "Deactivate:dt=6"])
async def test_the_other_sms_of_cvvm_are_answered_and_teach_nothing(text: str) -> None:
    world = await world_of("cvvm", READY)
    before = (await world.current()).client
    await world.sms_from_handset(text)
    assert (await world.texts())[0].startswith("//VVM:STATUS:st=")
    assert (await world.current()).client == before


# rows: MO-04 MO-12
@pytest.mark.parametrize(
    ("before", "text", "dialect", "prefix"),
    [
        ("omtp-11", "Activate:dt=6", Dialect.CVVM, "//VVM"),
        ("cvvm", "Activate:pv=11;ct=X", Dialect.OMTP, "//VVM"),
        ("cvvm", "Activate", Dialect.CVVM, "//VVM"),
        ("verizon-us", "Activate:pv=12;ct=X;pt=5499;//MINE", Dialect.OMTP, "//MINE"),
        ("verizon-us", "Activate:pv=11;ct=X", Dialect.OMTP, "//VVM"),
        ("verizon-us", "Activate:dt=6", Dialect.CVVM, "//VVM"),
        ("apple", "Activate:pv=11;ct=X", Dialect.OMTP, "//VVM"),
    ],
)
async def test_a_sim_in_another_phone_is_told_in_that_phones_dialect(
    before: str, text: str, dialect: Dialect, prefix: str
) -> None:
    world = await world_of(before)
    await world.sms_from_handset(text)
    client = (await world.current()).client
    assert (client.dialect, client.prefix) == (dialect, prefix)
    (status,) = await world.texts()
    assert status.startswith(f"{prefix}:STATUS:st=R;rc=0;")


async def test_the_facts_of_a_carrier_go_with_its_dialect() -> None:
    world = await world_of("verizon-us", carriers=subscribing())
    await world.sms_from_handset("Activate:pv=11;ct=X")
    (text,) = await world.texts()
    assert "vmg_url" not in text
    assert fields(text)["lang"] == "eng"


# VVM3


# rows: PRV-01 ST-02 ST-03 ST-09
@pytest.mark.parametrize(("setup_done", "told"), [(True, "R"), (False, "N")])
async def test_vvm3_is_activated_by_its_status(setup_done: bool, told: str) -> None:
    world = await world_of("verizon-us")
    await world.provisioning.change(ALICE, SubscriberOptions(setup_done=setup_done))
    await world.sms_from_handset("STATUS")
    notice = await one(world)
    assert notice.text.startswith(f"//VZWVVM:STATUS:st={told};rc=0;")
    said = fields(notice.text)
    assert (said["lang"], said["dev_t"]) == ("1,2,3,4,5,6,7,8", "5")
    assert said["u"].partition("@")[0].isdecimal()
    assert (await world.current()).status.value == told
    assert (notice.source, notice.port) == ("900080006200", 0)


# rows: MO-14
@pytest.mark.parametrize("status", [NEW, READY, UNKNOWN, BLOCKED])
async def test_a_status_of_vvm3_changes_no_other_status(status: ProvisioningStatus) -> None:
    world = await world_of("verizon-us", status)
    await world.sms_from_handset("STATUS")
    assert (await world.current()).status is status


# rows: MO-14
@pytest.mark.parametrize("carrier", ["omtp-11", "cvvm", "vvmd"])
async def test_a_status_of_any_other_dialect_activates_nobody(carrier: str) -> None:
    world = await world_of(carrier)
    await world.sms_from_handset("STATUS")
    assert (await world.current()).status is PROVISIONED


# rows: ST-17 ST-04
@pytest.mark.parametrize(
    ("carriers", "expected"),
    [(SHIPPED, "st=U;rc=3"), (subscribing(), f"st=U;rc=2;vmg_url={VMG}")],
)
@pytest.mark.parametrize("originator", [ALICE, BOB])
async def test_vvm3_learns_where_to_subscribe_only_where_it_can(
    carriers: Carriers, expected: str, originator: str
) -> None:
    world = await world_of("verizon-us", UNKNOWN, carriers=carriers)
    await world.sms_from_handset("STATUS", originator=originator)
    assert await world.texts() == [f"//VZWVVM:STATUS:{expected}"]


# rows: ST-06
async def test_a_strict_profile_tells_the_kind_of_the_host() -> None:
    strict = msgspec.structs.replace(SHIPPED["omtp-13"], status=StatusFacts(host_kind=True))
    world = await world_of("omtp-13", READY, carriers={"omtp-13": strict})
    await world.sms_from_handset("STATUS")
    (text,) = await world.texts()
    assert fields(text)["srv"] == f"2:{ServiceSettings().imap_host}"


# rows: ST-17
async def test_vvm3_is_told_its_gateway_with_its_credentials_too() -> None:
    world = await world_of("verizon-us", READY, carriers=subscribing())
    await world.sms_from_handset("STATUS")
    (text,) = await world.texts()
    assert text.endswith(f";dev_t=5;vmg_url={VMG}")


async def test_a_blocked_client_of_vvm3_is_not_asked_to_subscribe() -> None:
    world = await world_of("verizon-us", BLOCKED, carriers=subscribing())
    await world.sms_from_handset("STATUS")
    (text,) = await world.texts()
    assert text.startswith("//VZWVVM:STATUS:st=B;rc=0")


# rows: SMS-02 SY-01
async def test_vvm3_hears_of_a_message_behind_its_own_prefix() -> None:
    world = await world_of("verizon-us", READY)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (text,) = await world.texts()
    assert text.startswith("//VZWVVM:SYNC:ev=NM;id=1;c=1;t=v;")


# Apple


# rows: MO-19
@pytest.mark.parametrize("text", ["STATE", "STATE?", "state?x=1"])
async def test_apples_beacon_activates_and_is_answered_with_the_account(text: str) -> None:
    world = await world_of("apple")
    await world.sms_from_handset(text)
    alice = await world.current()
    assert alice.status is READY
    (answer,) = await world.texts()
    password = world.keyring.open(alice.imap_user, alice.password_sealed).reveal()
    assert answer == (
        f"STATE?state=Active;server=vvm.example.net;port=1143;name={alice.imap_user};pw={password}"
    )


async def test_apple_hears_of_messages_by_their_count() -> None:
    world = await world_of("apple", READY)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (text,) = await world.texts()
    assert text.startswith("MBOXUPDATE?m=1;server=vvm.example.net;port=1143;name=")


async def test_apple_is_told_nothing_of_an_account_that_is_blocked() -> None:
    world = await world_of("apple", BLOCKED)
    await world.sms_from_handset("STATE")
    assert await world.texts() == ["STATE?state=NotAvailable"]


# rows: MO-16 MO-19
@pytest.mark.parametrize("carrier", ["omtp-11", "cvvm", "verizon-us"])
async def test_the_beacon_of_another_dialect_is_ignored(carrier: str) -> None:
    world = await world_of(carrier)
    await world.sms_from_handset("STATE")
    assert (await world.current()).status is PROVISIONED
    assert await world.owed() == []


# Choosing


async def test_a_carrier_is_chosen_by_name() -> None:
    world = World(carriers=SHIPPED)
    assert world.provisioning.client_of("telus-ca").source == "7723"
    with pytest.raises(UnknownCarrier, match="carrier must be one of apple, bouygues-fr,"):
        world.provisioning.client_of("nobody")
    with pytest.raises(UnknownCarrier, match="one of none"):
        World().provisioning.client_of("telus-ca")


# rows: MO-06 MO-14
async def test_a_status_of_omtp_13_is_answered_and_stores_nothing() -> None:
    world = await world_of("omtp-13", READY)
    await world.sms_from_handset("STATUS:pv=13;ct=X;pt=0;//OTHER")
    (text,) = await world.texts()
    assert text.startswith("//VVM:STATUS:st=R;rc=0;")
    assert (await world.current()).client == SHIPPED["omtp-13"].client


async def test_a_client_without_a_carrier_has_the_facts_of_the_service() -> None:
    world = World(service=ServiceSettings(imap_port=1143, client=ClientProfile(dialect=Dialect.VVM3)))
    await world.subscriber(UNKNOWN)
    await world.sms_from_handset("STATUS")
    assert await world.texts() == ["//VVM:STATUS:st=U;rc=3"]
