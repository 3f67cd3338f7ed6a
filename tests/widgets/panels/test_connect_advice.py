"""Every reason why a connection fails has an advice for who clicks."""

from __future__ import annotations

from mbot_nb.client.connect_errors import connect_error
from mbot_nb.protocol.loss import CloseCode, Loss, LossKind
from mbot_nb.widgets.panels.connect_advice import for_clicking


def test_every_reason_has_an_advice_for_who_clicks() -> None:
    for kind in LossKind:
        error = connect_error("ws://127.0.0.1:4000", Loss(kind, "so it is"))
        without, with_one = (for_clicking(error, has_bot=has_bot) for has_bot in (False, True))
        for told in (without, with_one):
            assert told.startswith("No connection to ws://127.0.0.1:4000: so it is. ")
            assert "retry=True" not in told
            assert "reconnect()" not in told
        assert "Retry now" not in without, "there is no such button"
        assert "press Connect" not in with_one or "Disconnect" in with_one
    replaced = connect_error(
        "ws://127.0.0.1:4000", Loss(LossKind.CLOSED, "it was closed", CloseCode.REPLACED)
    )
    assert "Press Disconnect, then Connect." in for_clicking(replaced, has_bot=True)
