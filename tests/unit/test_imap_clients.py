# SPDX-License-Identifier: Apache-2.0
"""Clients that we did not write, over TLS: they log in, list, fetch, flag, expunge, idle."""

from __future__ import annotations

import asyncio
import imaplib

import aioimaplib

from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.world import Credentials, Standing

PHONE = "+33612345678"


async def test_imaplib_syncs_and_deletes() -> None:
    async with memory_world() as world:
        credentials = await world.provide(PHONE, messages=3)
        octets = dict(world.inbox(PHONE).octets)
        fetched = await asyncio.to_thread(_with_imaplib, world, credentials)
        assert fetched == octets
        assert list(world.inbox(PHONE).records) == [2]


def _with_imaplib(world: MemoryWorld, credentials: Credentials) -> dict[int, bytes]:
    fetched = {}
    with imaplib.IMAP4_SSL(world.host, world.tls_port, ssl_context=world.tls) as client:
        client.login(credentials.user, credentials.password)
        assert client.select("INBOX") == ("OK", [b"3"])
        status, found = client.uid("SEARCH", "1:*", "NOT", "DELETED")
        assert (status, found) == ("OK", [b"1 2 3"])
        for uid in found[0].split():
            status, answer = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
            assert status == "OK"
            fetched[int(uid)] = answer[0][1]
        assert client.uid("STORE", "1,3", "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
        assert client.expunge() == ("OK", [b"3", b"1"])
        status, quota = client.getquotaroot("INBOX")
        assert (status, quota[0]) == ("OK", [b'INBOX ""'])
    return fetched


async def test_imaplib_upgrades_to_tls_and_authenticates() -> None:
    async with memory_world() as world:
        credentials = await world.provide(PHONE, messages=0)
        assert await asyncio.to_thread(_with_starttls, world, credentials) == ("OK", [b"0"])


def _with_starttls(world: MemoryWorld, credentials: Credentials) -> tuple[str, list[bytes | None]]:
    response = f"\0{credentials.user}\0{credentials.password}".encode()
    with imaplib.IMAP4(world.host, world.port) as client:
        client.starttls(world.tls)
        client.authenticate("PLAIN", lambda _: response)
        return client.select("INBOX")


async def test_aioimaplib_hears_of_a_deposit_while_it_idles() -> None:
    async with memory_world() as world:
        credentials = await world.provide(PHONE, messages=1)
        client = aioimaplib.IMAP4_SSL(world.host, world.tls_port, ssl_context=world.tls)
        await client.wait_hello_from_server()
        assert (await client.login(credentials.user, credentials.password)).result == "OK"
        assert (await client.select("INBOX")).result == "OK"
        idling = await client.idle_start()
        await world.deposit(PHONE, seconds=2, caller="+33698765432")
        pushed: list[bytes] = []
        while b"2 EXISTS" not in pushed:
            pushed += await client.wait_server_push(timeout=10)
        client.idle_done()
        await asyncio.wait_for(idling, 10)
        answer = await client.uid("fetch", "2", "(UID RFC822.SIZE BODY.PEEK[])")
        assert answer.result == "OK"
        assert bytes(answer.lines[1]) == world.inbox(PHONE).octets[2]
        await client.logout()


async def test_imaplib_files_messages_like_on_any_server() -> None:
    async with memory_world() as world:
        credentials = await world.provide(PHONE, messages=2, standing=Standing.MAIL_CLIENT)
        await asyncio.to_thread(_file_with_imaplib, world, credentials)
        inbox = world.inbox(PHONE)
        assert list(inbox.records) == [2, 3]
        assert inbox.octets[3] == b"Subject: kept\r\n\r\nbody\r\n"
        assert inbox.records[3].flags == {"\\Seen", "$Label1"}


def _file_with_imaplib(world: MemoryWorld, credentials: Credentials) -> None:
    with imaplib.IMAP4_SSL(world.host, world.tls_port, ssl_context=world.tls) as client:
        client.login(credentials.user, credentials.password)
        assert client.enable("CONDSTORE")[0] == "OK"
        assert client.create("Kept/2026")[0] == "OK"
        assert client.subscribe("Kept/2026")[0] == "OK"
        assert client.lsub() == ("OK", [b'() "/" Kept/2026'])
        assert client.select("INBOX")[0] == "OK"
        flags, message = r"(\Seen $Label1)", b"Subject: kept\r\n\r\nbody\r\n"
        assert client.append("INBOX", flags, imaplib.Time2Internaldate(1_772_900_000), message)[0] == "OK"
        assert client.copy("1", "Kept/2026")[0] == "OK"
        assert client.uid("MOVE", "1", "Kept")[0] == "OK"
        assert client.sort("(REVERSE SIZE)", "UTF-8", "ALL") == ("OK", [b"1 2"])
        assert client.status("Kept", "(MESSAGES UIDNEXT)") == ("OK", [b"Kept (MESSAGES 1 UIDNEXT 2)"])
        assert client.rename("Kept", "Old")[0] == "OK"
        assert client.delete("Old/2026")[0] == "OK"
