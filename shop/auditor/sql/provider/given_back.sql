-- What the sandbox provider gave back of a charge is the sum of its refunds.
SELECT 'charge:' || c.reference, COALESCE(given.minor, 0) || ' minor units by its refunds',
  c.refunded_minor || ' given back', NULL::uuid,
  split_part(c.key, ':', 1) || ':' || split_part(c.key, ':', 2), NULL::timestamptz
FROM sandbox_charge AS c
LEFT JOIN (
  SELECT charge_id, sum(amount_minor) AS minor FROM sandbox_refund GROUP BY charge_id
) AS given ON given.charge_id = c.id
WHERE c.refunded_minor <> COALESCE(given.minor, 0)
