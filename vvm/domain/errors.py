# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, sorted by who has to act."""

from __future__ import annotations


class VvmError(Exception):
    """Base of every error this project raises on purpose.

    ``code`` is stable: it names the error in the API, in metrics and in the
    documentation, and each protocol front maps it to its own wire code.
    """

    code = "internal"
    retryable = False


class Refusal(VvmError):
    """The caller asked for something that its rights or the rules do not allow."""


class BadStart(Refusal):
    """The process cannot start as things are: a key file, a port; the text says what to put right."""

    code = "bad_start"


class Outage(VvmError):
    """Something we depend on did not answer; the same request may work later."""

    code = "unavailable"
    retryable = True


class InvalidNumber(Refusal):
    """A number that is not E.164 with a plus sign."""

    code = "invalid_number"


class UnknownSubscriber(Refusal):
    code = "unknown_subscriber"

    def __init__(self) -> None:
        super().__init__("no such subscriber")


class SubscriberExists(Refusal):
    code = "subscriber_exists"

    def __init__(self) -> None:
        super().__init__("a subscriber with this number exists already")


class StatusMoved(Refusal):
    """The provisioning status is no more what a change was decided on: decide again."""

    code = "status_moved"

    def __init__(self) -> None:
        super().__init__("the provisioning status has changed meanwhile")


class PreconditionFailed(Refusal):
    """What is to be changed is no more what the caller read: read it again, and decide anew."""

    code = "precondition_failed"

    def __init__(self, text: str = "it has changed since it was read") -> None:
        super().__init__(text)


class SubscriberHeld(Refusal):
    """A legal hold lies on the subscriber: it has to be lifted first."""

    code = "subscriber_held"

    def __init__(self) -> None:
        super().__init__("a legal hold lies on the subscriber")


class SubscriberClosed(Refusal):
    """It is closed, and keeps its status until it is opened again or gone."""

    code = "subscriber_closed"

    def __init__(self) -> None:
        super().__init__("the subscriber is closed: open it again first")


class IsAlias(Refusal):
    """What is asked for takes the subscriber's own number, and this is only an alias."""

    code = "is_alias"

    def __init__(self) -> None:
        super().__init__("the number is an alias: name the subscriber by its own number")


class UnknownAlias(Refusal):
    code = "unknown_alias"

    def __init__(self) -> None:
        super().__init__("the subscriber has no such alias")


class TooManyAliases(Refusal):
    code = "too_many_aliases"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"a subscriber has at most {most} aliases")


class NumberQuarantined(Refusal):
    """Its last owner changed its number a short time ago."""

    code = "number_quarantined"

    def __init__(self) -> None:
        super().__init__("the number is in quarantine, because its last owner left it a short time ago")


class UnknownMessage(Refusal):
    code = "unknown_message"

    def __init__(self) -> None:
        super().__init__("no such message")


class MailboxFull(Refusal):
    code = "over_quota"

    def __init__(self, *, used: int, limit: int, unit: str = "messages") -> None:
        super().__init__(f"mailbox holds {used} of {limit} {unit}")
        self.used = used
        self.limit = limit


class UnknownFolder(Refusal):
    code = "unknown_folder"

    def __init__(self) -> None:
        super().__init__("no such folder")


class FolderExists(Refusal):
    code = "folder_exists"

    def __init__(self) -> None:
        super().__init__("a folder of this name exists already")


class FolderHasChildren(Refusal):
    code = "folder_has_children"

    def __init__(self) -> None:
        super().__init__("there are folders below it")


class FolderStays(Refusal):
    """INBOX and Greetings can be neither removed nor renamed, nor can a folder go below itself."""

    code = "folder_stays"

    def __init__(self) -> None:
        super().__init__("this folder stays where it is")


class TooManyFolders(Refusal):
    code = "too_many_folders"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"a mailbox has at most {limit} folders of its own, and as many subscriptions")


class TooManyAnnotations(Refusal):
    code = "too_many_annotations"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"a mailbox has at most {limit} annotations")


class TooManyKeywords(Refusal):
    code = "too_many_keywords"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"a folder knows at most {limit} keywords")


class BadAudio(Refusal):
    """The octets are not audio that we can read; nothing was stored."""

    code = "bad_audio"


class MessageTooShort(Refusal):
    """Shorter than the shortest message, or silence: nothing worth keeping."""

    code = "message_too_short"


class TooLarge(Refusal):
    code = "too_large"

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(f"more than {limit_bytes} octets")
        self.limit_bytes = limit_bytes


class TooManyDevices(Refusal):
    """A subscriber has as many devices as it may: one must be revoked first."""

    code = "too_many_devices"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"there are {most} devices already: revoke one first")


class LoginTaken(Refusal):
    """Another device has this login."""

    code = "login_taken"

    def __init__(self) -> None:
        super().__init__("another device has this login")


class InvalidTransition(Refusal):
    """The provisioning status does not allow this step."""

    code = "invalid_transition"


class BadCursor(Refusal):
    """A place in a list or in the event feed that this service never gave out."""

    code = "bad_cursor"

    def __init__(self, text: str = "cursor must be the next of an earlier page") -> None:
        super().__init__(text)


class BadTime(Refusal):
    """A moment at which it cannot have happened."""

    code = "bad_time"


class TooManyWebhooks(Refusal):
    code = "too_many_webhooks"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"there are {limit} webhooks already, which is the limit")


class UnknownWebhook(Refusal):
    code = "unknown_webhook"

    def __init__(self) -> None:
        super().__init__("no such webhook")


class BadWebhook(Refusal):
    """Not a URL that we post to."""

    code = "bad_webhook"


class UnknownParked(Refusal):
    code = "unknown_dead_event"

    def __init__(self) -> None:
        super().__init__("no such dead event of this webhook")


class UnknownEventKind(Refusal):
    code = "unknown_event_kind"

    def __init__(self, *, known: str) -> None:
        super().__init__(f"kinds of events are {known}")
