# SPDX-License-Identifier: Apache-2.0
"""Which mailboxes a LIST names, and with what (RFC 5258; SPECIAL-USE is RFC 6154). Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from imap_server import patterns
from imap_server.backend import MailboxEntry

_SPECIAL = frozenset(
    {"\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash", "\\Important"}
)


class Selection(enum.Enum):
    """What LIST can restrict itself to; REMOTE restricts nothing, because nothing here is remote."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    SPECIAL_USE = b"SPECIAL-USE"
    RECURSIVE = b"RECURSIVEMATCH"


class Wish(msgspec.Struct, frozen=True):
    """What a LIST asks for.

    A mailbox is named when one of ``wanted`` fits its name.  ``tell_subscribed`` asks for
    ``\\Subscribed`` even where the selection does not.
    """

    wanted: tuple[str, ...]
    selection: frozenset[Selection] = frozenset()
    tell_subscribed: bool = False

    @property
    def about_subscriptions(self) -> bool:
        """Whether the subscribed names must be known to answer."""
        return self.tell_subscribed or Selection.SUBSCRIBED in self.selection


class Listed(msgspec.Struct, frozen=True):
    """One line of the answer; ``exists`` is false for a subscribed name whose mailbox is gone.

    ``chosen`` is false for one that is named only because of those below it; ``children_match`` says
    that mailboxes below fit the selection though they are not all named.
    """

    name: str
    attributes: tuple[str, ...]
    exists: bool
    chosen: bool
    children_match: bool


def listed(entries: Sequence[MailboxEntry], subscribed: Collection[str], wish: Wish) -> Iterator[Listed]:
    """The mailboxes in the order of ``entries``, then subscribed names without one."""
    names = [entry.name for entry in entries]
    for entry in _candidates(entries, subscribed, wish):
        if not _fits(entry.name, wish):
            continue
        chosen = _chosen(entry, subscribed, wish)
        below = [] if Selection.RECURSIVE not in wish.selection else _below(entry.name, entries)
        matching = [each for each in below if _chosen(each, subscribed, wish)]
        if chosen or any(not _fits(each.name, wish) for each in matching):
            exists = entry.name in names
            yield Listed(
                name=entry.name,
                attributes=tuple(_attributes(entry, names, subscribed, wish, exists=exists)),
                exists=exists,
                chosen=chosen,
                children_match=bool(matching),
            )


def special_uses(entry: MailboxEntry) -> list[str]:
    """What a mailbox is for (RFC 6154 section 2)."""
    return [attribute for attribute in entry.attributes if attribute in _SPECIAL]


def _candidates(
    entries: Sequence[MailboxEntry], subscribed: Collection[str], wish: Wish
) -> Iterable[MailboxEntry]:
    if Selection.SUBSCRIBED not in wish.selection:
        return entries
    known = {entry.name for entry in entries}
    return [*entries, *(MailboxEntry(name) for name in subscribed if name not in known)]


def _fits(name: str, wish: Wish) -> bool:
    return any(patterns.fits(pattern, name) for pattern in wish.wanted)


def _chosen(entry: MailboxEntry, subscribed: Collection[str], wish: Wish) -> bool:
    if Selection.SUBSCRIBED in wish.selection and entry.name not in subscribed:
        return False
    return Selection.SPECIAL_USE not in wish.selection or bool(special_uses(entry))


def _below(name: str, entries: Iterable[MailboxEntry]) -> list[MailboxEntry]:
    start = name + patterns.DELIMITER
    return [entry for entry in entries if entry.name.startswith(start)]


def _attributes(
    entry: MailboxEntry, names: Iterable[str], subscribed: Collection[str], wish: Wish, *, exists: bool
) -> Iterator[str]:
    """Those of the backend, then CHILDREN's (RFC 3348) unless it said so itself, then ours."""
    yield from entry.attributes
    if not {"\\HasChildren", "\\HasNoChildren", "\\Noinferiors"}.intersection(entry.attributes):
        start = entry.name + patterns.DELIMITER
        yield "\\HasChildren" if any(name.startswith(start) for name in names) else "\\HasNoChildren"
    if not exists:
        yield "\\NonExistent"
    if wish.about_subscriptions and entry.name in subscribed:
        yield "\\Subscribed"
