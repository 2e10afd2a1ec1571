# SPDX-License-Identifier: Apache-2.0
"""The standard commands: one file each, gathered into the table that the dispatcher reads.

Who embeds the server adds commands of the same shape (``imap_server.dispatch.CommandModule``).
"""

from __future__ import annotations

from imap_server.commands import (
    append,
    authenticate,
    capability,
    check,
    close,
    compress,
    copy,
    create,
    delete,
    enable,
    examine,
    expunge,
    fetch,
    getmetadata,
    getquota,
    getquotaroot,
    identify,
    idle,
    listing,
    login,
    logout,
    lsub,
    move,
    namespace,
    noop,
    rename,
    search,
    select,
    setmetadata,
    setquota,
    sort,
    starttls,
    status,
    store,
    subscribe,
    uid_copy,
    uid_expunge,
    uid_fetch,
    uid_move,
    uid_search,
    uid_sort,
    uid_store,
    unselect,
    unsubscribe,
)
from imap_server.dispatch import Command, Table, command, table

STANDARD: tuple[Command, ...] = (
    command(append),
    command(authenticate),
    command(capability),
    command(check),
    command(close),
    command(compress),
    command(copy),
    command(create),
    command(delete),
    command(enable),
    command(examine),
    command(expunge),
    command(fetch),
    command(getmetadata),
    command(getquota),
    command(getquotaroot),
    command(identify),
    command(idle),
    command(listing),
    command(login),
    command(logout),
    command(lsub),
    command(move),
    command(namespace),
    command(noop),
    command(rename),
    command(search),
    command(select),
    command(setmetadata),
    command(setquota),
    command(sort),
    command(starttls),
    command(status),
    command(store),
    command(subscribe),
    command(uid_copy),
    command(uid_expunge),
    command(uid_fetch),
    command(uid_move),
    command(uid_search),
    command(uid_sort),
    command(uid_store),
    command(unselect),
    command(unsubscribe),
)


def capabilities(commands: Table) -> tuple[bytes, ...]:
    """What the commands of a table add to the capability list, each once.

    CONDSTORE, QRESYNC (RFC 7162) and SEARCHRES (RFC 5182) are no command's but the view's.
    """
    names = {name for each in commands.values() if each.capability for name in each.capability.split()}
    return tuple(sorted(names | {b"CONDSTORE", b"QRESYNC", b"SEARCHRES"}))


__all__ = ["STANDARD", "capabilities", "table"]
