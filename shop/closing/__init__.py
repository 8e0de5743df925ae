"""Does everything add up? The shop's invariants, asked of the databases themselves.

Whoever ran something big (a replay, a demonstration, a test that pulls plugs) ends with
`closing_of(...)`: what the orders say must be what the stock, the payment provider, the mail and
the job ledger say. Every check compares two independent records of the same thing, order by order,
so that one order too few and one too many don't cancel out.
"""
