"""The auditor: is what the records say of one another true, at this moment?

Orders, stock, money, mails and jobs are written by many hands: workers that are killed, people,
suppliers, migrations, somebody at a database prompt. Each thing is written down more than once
(what is on hand, and every movement of it; a payment, and the effect that took the money), so that
two records can be compared. An *invariant* is one such sentence and one query for what breaks it, a
*breach* is a row of its answer with the job and the attempt that are to blame.

    sql/<family>/<name>.sql   one invariant each: its sentence on top, then the query
    invariants                finds them
    auditing                  asks all of them about one moment
    recording                 keeps what the beat job found, for the admin

`shop.closing` counts what one run's orders left behind, when they have come to their end. The
auditor looks at everything, at any time: an invariant holds at every commit, so orders that flow
meanwhile raise no alarm.
"""
