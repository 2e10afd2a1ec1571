# SPDX-License-Identifier: Apache-2.0
"""Mail programs with a login of their own work on a subscriber's mailbox; it is compared at the end."""

from __future__ import annotations

import asyncio
import imaplib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes
from pathlib import Path

import aioimaplib
import pytest

from tests.dialogues.product_world import PRODUCT_WORLDS, ProductWorld
from tests.dialogues.world import Credentials, Standing
from tests.peers.imap.programs import authority, needs, run, running, until
from vvm.domain.message import INBOX, Flags, Kind
from vvm.domain.numbers import Msisdn

pytestmark = pytest.mark.peers

ALICE = Msisdn("+33612345678")
NOTE = b"From: a@example.net\r\nSubject: minutes\r\n\r\nAll present.\r\n"


@pytest.fixture
async def world() -> AsyncIterator[ProductWorld]:
    async with PRODUCT_WORLDS["product on sqlite"]() as made:
        yield made


@pytest.fixture
async def login(world: ProductWorld) -> Credentials:
    return await world.provide(ALICE, messages=3, standing=Standing.MAIL_CLIENT)


async def kept(world: ProductWorld, folder: str) -> dict[int, tuple[Flags, frozenset[str], Kind]]:
    """What a folder of the subscriber holds."""
    owner = await world.store.subscribers.by_msisdn(ALICE)
    assert owner is not None
    states = await world.store.mailboxes.states(owner.mailbox, folder)
    found = await world.store.mailboxes.messages(owner.mailbox, folder, [state.uid for state in states])
    return {each.uid: (each.flags, each.keywords, each.kind) for each in found}


async def octets(world: ProductWorld, folder: str) -> list[bytes]:
    owner = await world.store.subscribers.by_msisdn(ALICE)
    assert owner is not None
    uids = await kept(world, folder)
    found = [await world.store.mailboxes.octets(owner.mailbox, folder, uid) for uid in uids]
    return [each for each in found if each is not None]


async def names(world: ProductWorld) -> list[str]:
    owner = await world.store.subscribers.by_msisdn(ALICE)
    assert owner is not None
    return [entry.name for entry in await world.store.folders.all(owner.mailbox)]


VOICE = (Flags(0), frozenset[str](), Kind.VOICE)


async def test_imaplib_flags_files_appends_and_deletes(world: ProductWorld, login: Credentials) -> None:
    def work() -> None:
        with imaplib.IMAP4_SSL("localhost", world.tls_port, ssl_context=world.tls) as client:
            client.login(login.user, login.password)
            assert client.create("Archive/2026")[0] == "OK"
            assert client.select(INBOX) == ("OK", [b"3"])
            assert client.store("1", "+FLAGS", r"(\Flagged $Work)")[0] == "OK"
            assert client.uid("COPY", "1", "Archive/2026")[0] == "OK"
            assert client.uid("MOVE", "2", "Archive")[0] == "OK"
            assert client.append("Archive", r"(\Seen)", "", NOTE)[0] == "OK"
            assert client.store("2", "+FLAGS", r"(\Deleted)")[0] == "OK"
            assert client.expunge()[0] == "OK"
            assert client.rename("Archive", "Old")[0] == "OK"
            for folder in (INBOX, "Old", "Old/2026"):
                client.select(folder)
                for uid in client.uid("SEARCH", "ALL")[1][0].split():
                    seen[folder].append(client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1])

    seen: dict[str, list[bytes]] = defaultdict(list)
    await asyncio.to_thread(work)
    assert seen == {folder: await octets(world, folder) for folder in (INBOX, "Old", "Old/2026")}
    marked = (Flags.FLAGGED, frozenset({"$Work"}), Kind.VOICE)
    assert await kept(world, INBOX) == {1: marked}
    assert await kept(world, "Old/2026") == {1: marked}
    assert await kept(world, "Old") == {1: VOICE, 2: (Flags.SEEN, frozenset(), Kind.MAIL)}


async def test_aioimaplib_hears_of_a_deposit_in_idle(world: ProductWorld, login: Credentials) -> None:
    client = aioimaplib.IMAP4_SSL("localhost", world.tls_port, ssl_context=world.tls)
    await client.wait_hello_from_server()
    await client.login(login.user, login.password)
    await client.select(INBOX)
    idling = await client.idle_start(timeout=30)
    await world.deposit(ALICE, seconds=1.0, caller="+15551230009")
    assert b"4 EXISTS" in await client.wait_server_push()
    client.idle_done()
    await asyncio.wait_for(idling, 10)
    assert (await client.create("Work")).result == "OK"
    assert (await client.uid("move", "4", "Work")).result == "OK"
    assert (await client.uid("store", "1", r"+FLAGS (\Seen \Deleted)")).result == "OK"
    assert (await client.expunge()).result == "OK"
    assert (await client.append(NOTE, mailbox="Work", flags=r"\Answered")).result == "OK"
    fetched = [(await client.uid("fetch", uid, "(BODY.PEEK[])")).lines[1] for uid in ("2", "3")]
    await client.logout()
    assert fetched == await octets(world, INBOX)
    assert await kept(world, INBOX) == {2: VOICE, 3: VOICE}
    assert await kept(world, "Work") == {1: VOICE, 2: (Flags.ANSWERED, frozenset(), Kind.MAIL)}
    assert (await octets(world, "Work"))[1] == NOTE


_OFFLINEIMAP = """
[general]
accounts = vvm
metadata = {folder}/metadata
ui = quiet
[Account vvm]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {folder}/mail
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = yes
sslcacertfile = {authority}
folderfilter = lambda name: name != "Greetings"
"""


async def test_offlineimap_keeps_both_sides_the_same(
    world: ProductWorld, login: Credentials, tmp_path: Path
) -> None:
    needs("offlineimap", "offlineimap3")
    configuration = tmp_path / "offlineimaprc"
    configuration.write_text(
        _OFFLINEIMAP.format(
            folder=tmp_path,
            port=world.tls_port,
            user=login.user,
            password=login.password,
            authority=await authority(world, tmp_path),
        )
    )

    async def sync() -> None:
        await run("offlineimap", "-c", str(configuration), "-o", "-1")

    await sync()
    inbox = tmp_path / "mail" / INBOX
    first, second, third = sorted((inbox / "new").iterdir())
    ids = {message_from_bytes(each)["Message-ID"] for each in await octets(world, INBOX)}
    assert {message_from_bytes(each.read_bytes())["Message-ID"] for each in (first, second, third)} == ids
    deleted = message_from_bytes(first.read_bytes())["Message-ID"]
    first.unlink()
    second.rename(inbox / "cur" / f"{second.name.partition(':')[0]}:2,FS")
    for part in ("cur", "new", "tmp"):
        (tmp_path / "mail" / "Work" / part).mkdir(parents=True)
    (tmp_path / "mail" / "Work" / "new" / "1.2.here").write_bytes(NOTE.replace(b"\r\n", b"\n"))
    await world.deposit(ALICE, seconds=1.0, caller="+15551230009")
    await sync()
    left = await octets(world, INBOX)
    assert deleted not in {message_from_bytes(each)["Message-ID"] for each in left}
    assert sorted(flags for flags, _, _ in (await kept(world, INBOX)).values()) == [
        Flags(0),
        Flags(0),
        Flags.SEEN | Flags.FLAGGED,
    ]
    assert len([*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()]) == 3
    (filed,) = await octets(world, "Work")
    assert message_from_bytes(filed)["Subject"] == "minutes"


async def test_offlineimap_idles_and_fetches_what_comes(
    world: ProductWorld, login: Credentials, tmp_path: Path
) -> None:
    needs("offlineimap", "offlineimap3")
    configuration = tmp_path / "offlineimaprc"
    written = _OFFLINEIMAP.format(
        folder=tmp_path,
        port=world.tls_port,
        user=login.user,
        password=login.password,
        authority=await authority(world, tmp_path),
    )
    hourly = "autorefresh = 60\n[Repository near]"
    written = written.replace("[Repository near]", hourly) + "idlefolders = ['INBOX']\nkeepalive = 60\n"
    configuration.write_text(written)
    inbox, protocol = tmp_path / "mail" / INBOX / "new", tmp_path / "protocol"
    async with running("offlineimap", "-c", str(configuration), "-d", "imap", "-l", str(protocol)):
        await until(lambda: inbox.is_dir() and len([*inbox.iterdir()]) == 3)
        await until(lambda: "server IDLE started" in protocol.read_text())
        await world.deposit(ALICE, seconds=1.0, caller="+15551230009")
        await until(lambda: len([*inbox.iterdir()]) == 4)
    ids = {message_from_bytes(each)["Message-ID"] for each in await octets(world, INBOX)}
    assert {message_from_bytes(each.read_bytes())["Message-ID"] for each in inbox.iterdir()} == ids


async def muttrc(world: ProductWorld, login: Credentials, folder: Path, commands: str) -> Path:
    path = folder / "muttrc"
    path.write_text(
        f"set certificate_file = {await authority(world, folder)}\n"
        f"set folder = imaps://localhost:{world.tls_port}/\n"
        f'set imap_user = "{login.user}"\nset imap_pass = "{login.password}"\n'
        "set ssl_usesystemcerts = no\nset spoolfile = +INBOX\nset header_cache = ''\n"
        "set confirmcreate = no\nset confirmappend = no\nset delete = yes\nset quit = yes\n"
        "set resolve = no\nset wait_key = no\nset beep = no\nset imap_idle = yes\nset timeout = 1\n"
        + (f'push "{commands}"\n' if commands else "")
    )
    return path


async def test_mutt_flags_saves_and_deletes_in_batch(
    world: ProductWorld, login: Credentials, tmp_path: Path
) -> None:
    needs("mutt", "mutt")
    configuration = await muttrc(
        world,
        login,
        tmp_path,
        "<first-entry><flag-message><next-entry><save-message>=Work<enter>"
        "<last-entry><delete-message><sync-mailbox><exit>",
    )
    await run("script", "-qec", f"env TERM=xterm HOME={tmp_path} mutt -F {configuration}", "/dev/null")
    assert await names(world) == [INBOX, "Greetings", "Work"]
    flags = {uid: state[0] & ~Flags.SEEN for uid, state in (await kept(world, INBOX)).items()}
    assert list(flags.values()) == [Flags.FLAGGED]
    assert len(await kept(world, "Work")) == 1


async def test_mutt_hears_of_a_deposit_in_idle(
    world: ProductWorld, login: Credentials, tmp_path: Path
) -> None:
    needs("mutt", "mutt")
    configuration = await muttrc(world, login, tmp_path, "")
    protocol = tmp_path / ".muttdebug0"

    def said(what: str) -> Callable[[], bool]:
        return lambda: protocol.exists() and what in protocol.read_text(errors="replace")

    command = f"env TERM=xterm HOME={tmp_path} mutt -d 2 -F {configuration}"
    async with running("script", "-qec", command, "/dev/null"):
        await until(said("IDLE\n"))
        await world.deposit(ALICE, seconds=1.0, caller="+15551230009")
        await until(said("* 4 EXISTS"))
        await until(said("* 4 FETCH (UID 4 "))


async def test_mbsync_keeps_every_folder_the_same(
    world: ProductWorld, login: Credentials, tmp_path: Path
) -> None:
    needs("mbsync", "isync")
    configuration = tmp_path / "mbsyncrc"
    configuration.write_text(
        "IMAPAccount vvm\nHost localhost\n"
        f"Port {world.tls_port}\nUser {login.user}\nPass {login.password}\n"
        "AuthMechs LOGIN\nSSLType IMAPS\nSystemCertificates no\n"
        f"CertificateFile {await authority(world, tmp_path)}\n\n"
        "IMAPStore far\nAccount vvm\n\n"
        f"MaildirStore near\nPath {tmp_path}/mail/\nInbox {tmp_path}/mail/inbox\nSubFolders Verbatim\n\n"
        "Channel vvm\nFar :far:\nNear :near:\nPatterns INBOX Work\n"
        "Create Both\nExpunge Both\nSyncState *\n"
    )
    (tmp_path / "mail").mkdir()

    async def sync() -> None:
        await run("mbsync", "--config", str(configuration), "vvm")

    await sync()
    inbox = tmp_path / "mail" / "inbox"
    first, second, _ = sorted((inbox / "new").iterdir())
    for part in ("cur", "new", "tmp"):
        (tmp_path / "mail" / "Work" / part).mkdir(parents=True)
    (tmp_path / "mail" / "Work" / "new" / "1.2.here").write_bytes(NOTE.replace(b"\r\n", b"\n"))
    first.unlink()
    second.rename(inbox / "cur" / f"{second.name}:2,S")
    await sync()
    await sync()
    assert sorted(flags for flags, _, _ in (await kept(world, INBOX)).values()) == [Flags(0), Flags.SEEN]
    ((flags, _, kind),) = (await kept(world, "Work")).values()
    assert (flags, kind) == (Flags(0), Kind.MAIL)


async def test_curl_appends_searches_fetches_flags_and_deletes(
    world: ProductWorld, login: Credentials, tmp_path: Path
) -> None:
    needs("curl", "curl")
    note = tmp_path / "note.eml"
    note.write_bytes(NOTE)
    address = f"imaps://localhost:{world.tls_port}"
    who = ("--user", f"{login.user}:{login.password}")
    common = ("curl", "--silent", "--show-error", "--cacert", str(await authority(world, tmp_path)), *who)
    await run(*common, address, "-X", "CREATE Work")
    await run(*common, "--upload-file", str(note), f"{address}/Work")
    assert await run(*common, f"{address}/Work?SUBJECT%20minutes") == b"* SEARCH 1\r\n"
    assert await octets(world, "Work") == [NOTE]
    found = [await run(*common, f"{address}/INBOX;UID={uid}") for uid in (1, 2, 3)]
    assert found == await octets(world, INBOX)
    await run(*common, f"{address}/INBOX", "-X", r"UID STORE 1 +FLAGS (\Flagged)")
    await run(*common, f"{address}/INBOX", "-X", r"UID STORE 2 +FLAGS (\Deleted)")
    assert await run(*common, f"{address}/INBOX", "-X", "EXPUNGE") == b"* 2 EXPUNGE\r\n"
    flags = {uid: state[0] & ~Flags.SEEN for uid, state in (await kept(world, INBOX)).items()}
    assert flags == {1: Flags.FLAGGED, 3: Flags(0)}
