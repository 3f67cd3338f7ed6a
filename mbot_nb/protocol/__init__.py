"""What is said on the wire: pure, without sockets, loops or clocks."""
