"""What a recorder listens to: the client's side, the server's side, and the frames between."""
