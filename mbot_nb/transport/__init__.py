"""What carries text frames: WebSockets, and a relay that plays a bad network.

Modules:

    websocket        text frames over WebSockets: the `websockets` protocol core in asyncio shells
    relay            delays, loses, reorders, doubles and cuts what passes between real sockets
    network          what a network does to messages, as numbers; pure
    frame_splitter   splits the bytes of a WebSocket connection into frames, for the relay
"""
