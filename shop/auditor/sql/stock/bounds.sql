-- Nothing is promised that is not there: 0 <= reserved <= on_hand.
--
-- The database has a constraint; this looks anyway, for the day that somebody drops it.
SELECT 'stock:' || s.id, '0 <= reserved <= ' || s.on_hand || ' on hand', s.reserved || ' reserved',
  NULL::uuid, newest.reference, newest.changed_at
FROM inventory_stock AS s
LEFT JOIN LATERAL (
  SELECT r.reference, COALESCE(r.settled_at, r.created_at) AS changed_at
  FROM inventory_reservation AS r
  WHERE r.stock_id = s.id
  ORDER BY changed_at DESC, r.id DESC
  LIMIT 1
) AS newest ON true
WHERE s.reserved < 0 OR s.reserved > s.on_hand
