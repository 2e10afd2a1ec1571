# SPDX-License-Identifier: Apache-2.0
"""One line that stands for a message in a list (RFC 8970), made of what its record says.

It is in the language of the subscriber, as STATUS tells them (ISO 639-2), and in English for all others.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vvm.domain.message import Kind


class Words(msgspec.Struct, frozen=True):
    """Of one language."""

    names: Mapping[Kind, str]
    origin: str
    """What stands before a caller."""


def _words(names: str, origin: str) -> Words:
    """The names in the order of the kinds, with a comma between."""
    return Words(dict(zip(_KINDS, names.split(", "), strict=True)), origin)


_KINDS = (
    Kind.VOICE,
    Kind.VIDEO,
    Kind.FAX,
    Kind.NUMBER_ONLY,
    Kind.NORMAL_GREETING,
    Kind.VOICE_SIGNATURE,
    Kind.MAIL,
)
_GREETINGS = frozenset({Kind.NORMAL_GREETING, Kind.VOICE_SIGNATURE})
_ENGLISH = _words("Voice message, Video message, Fax, Call, Greeting, Recorded name, Mail", "from")
_LANGUAGES = {
    "deu": _words(
        "Sprachnachricht, Videonachricht, Fax, Anruf, Begrüßung, Aufgenommener Name, Mail",
        "von",
    ),
    "fra": _words(
        "Message vocal, Message vidéo, Fax, Appel, Annonce, Nom enregistré, Courriel",
        "de",
    ),
    "ita": _words(
        "Messaggio vocale, Messaggio video, Fax, Chiamata, Annuncio, Nome registrato, Posta",
        "da",
    ),
    "spa": _words(
        "Mensaje de voz, Mensaje de vídeo, Fax, Llamada, Saludo, Nombre grabado, Correo",
        "de",
    ),
}
_LANGUAGES["ger"], _LANGUAGES["fre"] = _LANGUAGES["deu"], _LANGUAGES["fra"]
"""ISO 639-2 has two codes for some languages."""


def preview(kind: Kind, *, seconds: int, caller: str | None, language: str = "eng") -> str:
    """``Voice message, 12 s from +33612345678``; nothing is said of a caller that is unknown."""
    words = _LANGUAGES.get(language, _ENGLISH)
    length = f", {seconds} s" if seconds else ""
    origin = f" {words.origin} {caller}" if caller is not None and kind not in _GREETINGS else ""
    return f"{words.names[kind]}{length}{origin}"
