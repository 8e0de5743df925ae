-- There is not enough for these references: they wait no longer. Their stock rows are locked.
-- references
UPDATE inventory_reservation
SET state = 'released', settled_at = statement_timestamp()
WHERE reference = ANY (%(references)s::text[]) AND state = 'asked'
