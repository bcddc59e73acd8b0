from __future__ import annotations

import importlib
import sys

import pytest


def test_without_gymnasium_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("apexline.racing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ImportError) as failure:
        importlib.import_module("apexline.racing")
    assert str(failure.value) == 'apexline.racing needs gymnasium: pip install "apexline[racing]"'
