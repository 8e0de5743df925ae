"""`python -m bench.flash`: a crowd at one product, served by ours and by what people do instead.

Starts servers of its own, measures on them (`bench.flash_comparing`) and removes them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.own_servers import manage


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench flash", description=__doc__)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="Write the table there too.")
    options = parser.parse_args()
    markdown = ["--markdown", str(options.markdown.resolve())] if options.markdown else []
    return manage("bench_flash", *markdown)


if __name__ == "__main__":
    sys.exit(main())
