"""Where other systems tell us things. Signed, and believed only so far that we go and ask."""
