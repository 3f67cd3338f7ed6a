"""Every type of message is read as what it is."""

from __future__ import annotations

from mbot_nb.protocol import messages as m
from mbot_nb.protocol.codec import (
    ClientFrames,
    ServerFrames,
)
from tests.helpers.protocol.frames import in_batch


def test_every_type_of_the_client() -> None:
    text = in_batch(
        '{"version":2,"type":"command","payload":{"command":"drive","params":{"left":1},"id":"a","reply":true,"expires":5},"sequence":3}',
        '{"version":2,"type":"command","payload":{"command":"stop","params":{},"id":9,"after":4}}',
        '{"version":2,"type":"ping","payload":{"id":1}}',
        '{"version":2,"type":"ping"}',
        '{"version":2,"type":"pong","timestamp":1700000000000}',
        '{"version":2,"type":"auth","payload":{"token":"t"}}',
    )
    drive, stop, ping, bare, pong, auth = ClientFrames.decode(text)
    assert drive == m.CommandMessage(
        version=2,
        payload=m.CommandPayload(
            command="drive", params={"left": 1}, id="a", reply=True, expires=5.0
        ),
        sequence=3,
    )
    assert stop == m.CommandMessage(
        version=2, payload=m.CommandPayload(command="stop", params={}, id=9, after=4)
    )
    assert ping == m.PingMessage(version=2, payload={"id": 1})
    assert bare == m.PingMessage(version=2)
    assert pong == m.PongMessage(version=2, timestamp=1700000000000)
    assert auth == m.AuthMessage(version=2, payload=m.AuthPayload(token="t"))


def test_every_type_of_the_server() -> None:
    text = in_batch(
        '{"version":2,"type":"state","payload":{"revision":1},"ack":4}',
        '{"version":2,"type":"event","payload":{"event":"e"},"sequence":1}',
        '{"version":2,"type":"error","payload":{"code":"RATE_LIMIT"}}',
        '{"version":2,"type":"ping","payload":{}}',
    )
    state, event, error, ping = ServerFrames.decode(text)
    assert state == m.StateMessage(version=2, payload={"revision": 1}, ack=4)
    assert event == m.EventMessage(version=2, payload=m.EventPayload(event="e"), sequence=1)
    assert error == m.ErrorMessage(version=2, payload=m.ErrorPayload(code="RATE_LIMIT"))
    assert ping == m.PingMessage(version=2)
