"""`python -m bench.audit`: what an audit of a large shop costs.

Starts servers of its own, fills the database with sound orders (`bench/sql/many_orders.sql`),
audits it and removes everything.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys

from bench.beside import ROOT
from bench.servers import durable_servers
from shop.management.arguments import whole
from stack.errors import StackError

HOME = ROOT / "var" / "bench"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench audit", description=__doc__)
    parser.add_argument(
        "--orders", type=whole, default=100_000, metavar="N", help="default: %(default)s"
    )
    orders = parser.parse_args().orders
    print("Starting servers", flush=True)
    try:
        with durable_servers(HOME) as servers:
            environment = {
                **os.environ,
                **servers.environment,
                "DJANGO_SETTINGS_MODULE": "bench.settings",
                "DJANGO_SECRET_KEY": secrets.token_hex(40),
            }
            command = [sys.executable, "manage.py", "bench_audit", "--orders", str(orders)]
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    except StackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
