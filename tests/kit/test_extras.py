"""What is said where a library of an extra is missing."""

import sys

import pytest

from workfloor.kit import extras


@pytest.fixture
def without(monkeypatch):
    """An installation without a library."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


def test_what_is_there_is_loaded():
    assert extras.has("numpy")
    assert extras.load("numpy", "Compiling").__name__ == "numpy"


@pytest.mark.parametrize(("library", "extra"), extras.EXTRAS.items())
def test_what_is_missing_is_named_with_what_to_install_in_one_line(without, library, extra):
    without(library)

    assert not extras.has(library)
    with pytest.raises(extras.Missing) as said:
        extras.load(library, "Such a thing")
    assert str(said.value) == (
        f"Such a thing needs {library}, which is not installed. Run: pip install 'workfloor[{extra}]', or make setup"
    )


def test_a_fault_within_a_library_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "numba.py").write_text("import a_library_that_is_nowhere")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numba", raising=False)

    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_nowhere"):
        extras.load("numba", "Compiling")
