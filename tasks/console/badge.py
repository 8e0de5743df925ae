"""The number of dead jobs in the sidebar, on every page of the console.

Settings name it before there are models, so it looks for them when it is shown.
"""

from __future__ import annotations

from django.apps import apps
from django.utils.functional import lazy

COUNTED = 99
"""It ends here, so that a page reads at most so many entries of the index over dead jobs."""


def _number() -> str:
    dead = apps.get_model("tasks", "Job")._default_manager.filter(state="dead")
    count = dead[: COUNTED + 1].count()
    return f"{COUNTED}+" if count > COUNTED else str(count or "")


# Not a callback of unfold's, which shows an empty badge for none.
dead_number = lazy(_number, str)
