"""The wait for a token: when it is asked for, and when it is too late."""

from __future__ import annotations

from mbot_nb.protocol.server.authentication import Authentication
from mbot_nb.protocol.settings import Settings

SETTINGS = Settings(auth_timeout=5.0, auth_hint=1.0)


def test_a_silent_client_is_asked_once() -> None:
    authentication = Authentication(SETTINGS, 10.0)
    assert authentication.next_deadline() == 11.0
    assert not authentication.hint_due(10.9)
    assert authentication.hint_due(11.0)
    hint = authentication.hint(11.0)
    assert hint is not None
    assert hint["code"] == "AUTH_REQUIRED"
    assert not authentication.hint_due(13.0)
    assert authentication.next_deadline() == 15.0


def test_messages_are_not_each_answered_with_the_hint() -> None:
    authentication = Authentication(SETTINGS, 10.0)
    assert authentication.hint(10.0) is not None, "at once"
    assert authentication.hint(10.5) is None
    assert authentication.hint(11.0) is not None


def test_no_token_comes_in_time() -> None:
    authentication = Authentication(SETTINGS, 10.0)
    assert not authentication.has_timed_out(14.9)
    assert authentication.has_timed_out(15.0)
