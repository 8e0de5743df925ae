"""A crowded product as it sells, for the people who run the sale."""
