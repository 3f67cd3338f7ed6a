"""What goes over the cable: frames, dialects, and requests matched with their answers."""
