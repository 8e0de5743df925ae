"""Where things are: the project's folder and, under it, everything `./run` makes at runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Layout:
    root: Path = ROOT

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def mail(self) -> Path:
        return self.var / "mail"

    @property
    def supplier(self) -> Path:
        """The sample supplier's stock list; edit it, and the next feed tells the new numbers."""
        return self.var / "supplier.csv"

    @property
    def samples(self) -> Path:
        """The sample catalogue that `manage.py seed_catalogue` reads."""
        return self.root / "shop" / "samples" / "catalogue.csv"

    @property
    def servers(self) -> Path:
        return self.var / "servers"

    @property
    def environment(self) -> Path:
        """The settings of this machine, readable by its owner only."""
        return self.var / "env"

    @property
    def notebook(self) -> Path:
        return self.var / "notebook.json"

    @property
    def dotenv(self) -> Path:
        return self.root / ".env"

    @property
    def dotenv_example(self) -> Path:
        return self.root / ".env.example"

    def make(self) -> None:
        """`var` itself stays open to pass through: the servers' account has its folders there."""
        self.var.mkdir(mode=0o755, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        self.logs.chmod(0o700)  # ./run may have made it for its own log
