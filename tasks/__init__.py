"""The job platform: ledger, dispatcher, execution, retry, effects and locks.

Knows nothing of a shop. Lift this folder into any Django + Celery project.
"""
