"""WebSocket V2, pure: no socket, no loop, no clock. docs/protocol.md is its text.

Modules:

    settings    every number of the wire contract
    messages    one struct for each type of message
    codec       frames to messages and back
    ordering    numbered messages, each once and in order
    batching    when queued messages leave
    heartbeat   whether the other side is there, and how far away: pings with ids
    mirror      the state's revisions on the server, and the client's copy of it
    backoff     how long a client waits before it tries again
    loss        why a connection was lost, and which losses are final
    client/     the client's side: one session across many connections
    server/     the server's side: one hub, and one object for each connection
"""
