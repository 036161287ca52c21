"""Where the vectors are, and the import path. SPDX-License-Identifier: Apache-2.0"""

import json
import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent
REPOSITORY = FOLDER.parent.parent.parent
sys.path.insert(0, str(FOLDER))
sys.path.insert(0, str(FOLDER / "tests"))


def vectors_folder() -> Path:
    """The copy in Tests/Fixtures, ``$NEXO_SHARED/vectors/whatsapp``, or the shared folder beside the repository."""
    shared = Path(os.environ.get("NEXO_SHARED", REPOSITORY.parent / "shared"))
    for place in (REPOSITORY / "Tests" / "Fixtures" / "WhatsApp" / "vectors", shared / "vectors" / "whatsapp"):
        if (place / "binary_nodes.json").is_file():
            return place
    raise FileNotFoundError("no vectors: set NEXO_SHARED to the folder that holds vectors/whatsapp")


@pytest.fixture(scope="session")
def vector():
    """``vector("qr")`` is the parsed qr.json."""
    folder = vectors_folder()
    return lambda name: json.loads((folder / f"{name}.json").read_text())
