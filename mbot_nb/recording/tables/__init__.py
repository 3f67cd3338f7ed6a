"""Tables of a recording: their schema, columns and Arrow form."""
