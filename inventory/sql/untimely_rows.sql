-- Rows that were counted too long ago, or in the future, can't be used: the clock that told their
-- time must be wrong, or nobody has counted for very long.
-- run_id, oldest, newest (times)
UPDATE inventory_syncrow AS r
SET error = CASE
  WHEN r.as_of < %(oldest)s
    THEN 'as_of ' || to_char(r.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      || ' is too long ago'
  ELSE 'as_of ' || to_char(r.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    || ' lies in the future'
END
WHERE r.run_id = %(run_id)s AND r.error = ''
  AND (r.as_of < %(oldest)s OR r.as_of > %(newest)s)
