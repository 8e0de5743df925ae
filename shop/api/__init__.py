"""The shop's HTTP API: what a program of a customer's, or a page of our own, may ask for."""
