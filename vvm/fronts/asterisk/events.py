# SPDX-License-Identifier: Apache-2.0
"""What ARI says, as structs: the few events and answers that capture needs.

Asterisk describes them in its own rest-api/*.json (resources channels, events, playbacks,
recordings).  Fields that are not named here are skipped, and so are other events.
"""

from __future__ import annotations

import msgspec


class Party(msgspec.Struct, frozen=True):
    number: str


class Dialplan(msgspec.Struct, frozen=True):
    app_name: str
    app_data: str


class Channel(msgspec.Struct, frozen=True):
    """A leg of a call."""

    id: str
    caller: Party
    dialplan: Dialplan


class Playback(msgspec.Struct, frozen=True):
    id: str
    target_uri: str
    state: str


class Recording(msgspec.Struct, frozen=True):
    name: str
    target_uri: str
    """``channel:`` and the channel's id."""


class StasisStart(msgspec.Struct, frozen=True):
    """A call entered our application, with the arguments of Stasis()."""

    args: tuple[str, ...]
    channel: Channel


class StasisEnd(msgspec.Struct, frozen=True):
    """A call left our application: it hung up, or goes on in the dialplan."""

    channel: Channel


class PlaybackFinished(msgspec.Struct, frozen=True):
    playback: Playback


class RecordingFinished(msgspec.Struct, frozen=True):
    """The file is whole; a hang-up is the usual cause."""

    recording: Recording


class RecordingFailed(msgspec.Struct, frozen=True):
    recording: Recording


class ApplicationReplaced(msgspec.Struct, frozen=True):
    """Another connection took over our application: events go there now."""


Event = StasisStart | StasisEnd | PlaybackFinished | RecordingFinished | RecordingFailed | ApplicationReplaced


class _Kind(msgspec.Struct, frozen=True):
    type: str


_kind = msgspec.json.Decoder(_Kind)
_decoders: dict[str, msgspec.json.Decoder[Event]] = {
    kind.__name__: msgspec.json.Decoder(kind)
    for kind in (
        StasisStart,
        StasisEnd,
        PlaybackFinished,
        RecordingFinished,
        RecordingFailed,
        ApplicationReplaced,
    )
}


def decode(text: str | bytes) -> Event | None:
    """One message of the events connection; None for an event that we do not need.

    Raises msgspec.DecodeError when it is not what ARI promises.
    """
    decoder = _decoders.get(_kind.decode(text).type)
    return decoder.decode(text) if decoder else None


def channel_of(event: Event) -> str:
    """The id of the channel that an event is about; "" when it is about none."""
    match event:
        case StasisStart() | StasisEnd():
            return event.channel.id
        case PlaybackFinished():
            return event.playback.target_uri.removeprefix("channel:")
        case RecordingFinished() | RecordingFailed():
            return event.recording.target_uri.removeprefix("channel:")
        case ApplicationReplaced():
            return ""
