-- Every mail about an order is one that it deserves: of its kind, and the only one unless a person
-- asked.
--
--   mail_kinds, mail_events (as long): the timeline's event that each kind of mail tells of
WITH mail AS (
  SELECT e.id, e.key, e.job_id, e.intended_at,
    CASE WHEN e.key ~ '^order:[0-9]{1,18}:email:' THEN split_part(e.key, ':', 2)::bigint END
      AS order_id,
    split_part(e.key, ':', 4) AS kind,
    split_part(e.key, ':', 5) AS again
  FROM tasks_effect AS e
  WHERE e.kind = 'email' AND e.key LIKE 'order:%%'
)
SELECT 'effect:' || mail.id, 'an order that deserves it, and one mail unless asked for again',
  mail.key, mail.job_id, 'order:' || mail.order_id, mail.intended_at
FROM mail
LEFT JOIN unnest(%(mail_kinds)s::text[], %(mail_events)s::text[]) AS known (kind, event)
  ON known.kind = mail.kind
WHERE (mail.again <> '' AND mail.again IS DISTINCT FROM mail.job_id::text)
  OR NOT EXISTS (
    SELECT 1
    FROM orders_orderevent AS e
    WHERE e.order_id = mail.order_id AND e.kind = known.event
  )
