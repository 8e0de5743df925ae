"""Sample goods, so that a fresh shop has something to sell."""
