-- Give what these references hold a new time to live. Their stock rows are locked.
-- references, ttls_s (as long)
UPDATE inventory_reservation AS r
SET expires_at = statement_timestamp() + make_interval(secs => w.ttl_s)
FROM unnest(%(references)s::text[], %(ttls_s)s::float8[]) AS w (reference, ttl_s)
WHERE r.reference = w.reference AND r.state = 'held'
