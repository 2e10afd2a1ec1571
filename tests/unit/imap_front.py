# SPDX-License-Identifier: Apache-2.0
"""The IMAP front over a world of services, without a socket."""

from __future__ import annotations

from imap_server.backend import Peer
from tests.unit.services_world import World
from vvm.fronts.imap import ImapBackend, MailServices, OmtpSettings

PEER = Peer("127.0.0.1", tls=True, connection_id=1)


def mail_services(world: World) -> MailServices:
    store = world.store
    return MailServices(
        retrieval=world.retrieval,
        greetings=world.greetings,
        filing=world.filing,
        pbx=world.pbx,
        owing=world.owing,
        mailboxes=store.mailboxes,
        folders=store.folders,
        devices=store.devices,
        subscribers=store.subscribers,
        hints=world.hints,
        clock=world.clock,
        visits=world.visits,
        first_fetches=world.first_fetches,
    )


def backend(world: World, omtp: OmtpSettings | None = None) -> ImapBackend:
    return ImapBackend(world.login, world.master, mail_services(world), omtp or OmtpSettings())
