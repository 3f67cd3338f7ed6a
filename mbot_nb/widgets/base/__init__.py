"""What all live widgets are made of: what follows a client, its Stop, and the text of the page."""
