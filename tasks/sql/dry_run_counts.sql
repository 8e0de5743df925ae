-- What the session has counted so far and not handed in yet; earlier transactions may be in it.
SELECT relid::bigint, n_tup_ins, n_tup_upd, n_tup_del
FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
