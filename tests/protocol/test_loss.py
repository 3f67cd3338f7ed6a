"""How a connection was lost, and whether it is worth another try."""

from __future__ import annotations

import pytest

from mbot_nb.protocol.loss import Loss, LossKind, is_final


@pytest.mark.parametrize(
    ("loss", "final"),
    [
        (Loss(LossKind.REFUSED, ""), False),
        (Loss(LossKind.RESET, ""), False),
        (Loss(LossKind.TIMEOUT, ""), False),
        (Loss(LossKind.NAME, ""), False),
        *[
            (Loss(LossKind.CLOSED, "", code), False)
            for code in (None, 1000, 1001, 1002, 1009, 1011, 4408, 4429)
        ],
        *[
            (Loss(LossKind.HTTP, "", status), False)
            for status in (None, 408, 425, 429, 500, 502, 503, 504)
        ],
        *[(Loss(LossKind.CLOSED, "", code), True) for code in (4401, 4403, 4409)],
        *[(Loss(LossKind.HTTP, "", status), True) for status in (301, 400, 401, 403, 404)],
        (Loss(LossKind.TLS, ""), True),
        (Loss(LossKind.ADDRESS, ""), True),
        (Loss(LossKind.VERSION, ""), True),
        (Loss(LossKind.TOKEN, ""), True),
    ],
)
def test_what_is_tried_again(loss: Loss, final: bool) -> None:
    assert is_final(loss) is final


def test_a_loss_says_itself() -> None:
    assert str(Loss(LossKind.RESET, "the connection broke")) == "the connection broke"
