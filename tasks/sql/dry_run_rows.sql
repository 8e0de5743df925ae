-- Rows that an unfinished transaction with a number from `first` to `last` has written ({number} is
-- xmin) or done away with (xmax), and how many there are. What others haven't finished is never
-- visible, so whatever is found by xmin is ours. By xmax others' may be among it.
--   {table}, {number}; {bound}: nothing, or only the newest rows
--   first: of 64 bits; last, limit
SELECT to_jsonb(w.t)::text, w.total
FROM (
    SELECT s.t, count(*) OVER () AS total
    FROM (SELECT t, t.{number} AS number FROM {table} AS t {bound}) AS s
    WHERE
        -- In this order: the status of a number that lies ahead, as a very old row's may seem to,
        -- is an error.
        CASE
            WHEN
                age(s.number) BETWEEN age(%(last)s::text::xid)
                AND age((%(first)s::text::xid8)::xid)
                THEN
                    pg_xact_status(
                        (
                            %(first)s::text::bigint
                            + age((%(first)s::text::xid8)::xid)
                            - age(s.number)
                        )::text::xid8
                    ) = 'in progress'
            ELSE false
        END
    LIMIT %(limit)s
) AS w
