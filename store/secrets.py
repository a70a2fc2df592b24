"""Read secrets: from the environment, or from a folder with a file for each.

A secret is asked for by name when it is needed. It is not a setting, so nothing prints it, and no
error repeats it.
"""

import os

from store.errors import TouchstoneError
from store.settings import Settings

_LONGEST = 65_536


def read_secret(settings: Settings, name: str) -> str:
    """The secret of this name, without the line's end of its file."""
    found = os.environ.get(name)
    if found is None and settings.secrets is not None:
        try:
            with (settings.secrets / name).open(encoding="utf-8") as content:
                found = content.read(_LONGEST)
        except FileNotFoundError:
            found = None
        except (OSError, UnicodeDecodeError) as error:
            raise TouchstoneError(
                f"The secret {name} cannot be read ({type(error).__name__}); mend its file."
            ) from None
    if not found or not found.strip():
        raise TouchstoneError(
            f"There is no secret {name}; set it in the environment, or put it into a file of this "
            "name in the folder that TOUCHSTONE_SECRETS names."
        )
    return found.rstrip("\r\n")
