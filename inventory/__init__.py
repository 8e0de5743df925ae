"""Inventory: products, stock, its movements, reservations and the suppliers' feeds."""
