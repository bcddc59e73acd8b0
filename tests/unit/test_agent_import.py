"""Importing apexline.agent without torch."""

from __future__ import annotations

import subprocess
import sys


def test_the_error_without_torch_names_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; import apexline.agent"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'ImportError: apexline.agent needs torch: pip install "apexline[train]"' in done.stderr
