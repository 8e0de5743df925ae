"""`python -m bench.audit`: what an audit of a large shop costs.

Starts servers of its own, fills the database with sound orders (`bench/sql/many_orders.sql`),
audits it and removes everything.
"""

from __future__ import annotations

import argparse
import sys

from bench.own_servers import manage
from shop.management.arguments import whole


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench audit", description=__doc__)
    parser.add_argument(
        "--orders", type=whole, default=100_000, metavar="N", help="default: %(default)s"
    )
    return manage("bench_audit", "--orders", str(parser.parse_args().orders))


if __name__ == "__main__":
    sys.exit(main())
