"""What fills a recorder's tables while a client or a server works.

Modules:

    listener       lives on the loop of its client or server, and writes rows
    client_rows    a client's side: events, round trips (`rec.latency`), batches; steady pings
    server_rows    a server's side: what clients send and are sent, and what the robot does
    frame_rows     rows of the tables `frames` and `batches`
    run_metadata   what has to be known to understand a run, and to do it again
"""
