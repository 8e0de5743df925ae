"""The customers' pages: catalogue, cart, checkout and the order's own page."""
