"""The test files themselves: any of them may run together."""
from collections import Counter
from pathlib import Path


def test_no_two_files_have_the_same_name():
    """pytest imports a test file by its name alone."""
    names = Counter(path.name for path in Path(__file__).resolve().parents[1].rglob('*.py') if path.name != 'conftest.py')
    assert len(names) > 100 and [name for name, count in names.items() if count > 1] == []
