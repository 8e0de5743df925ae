"""Orders: placing, checkout, payments, refunds and the e-mails about them."""
