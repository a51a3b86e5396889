"""The folder of an export, which has its name only once it is whole."""
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_folder(path):
    """A hidden folder beside ``path`` to write into; it becomes ``path`` at the end, or vanishes with an exception.

    Raises:
        FileExistsError: ``path`` exists; nothing was written. OSError: it cannot be made.
    """
    path = Path(path)
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f'.{path.name}.', dir=path.parent))
    try:
        yield draft
        draft.chmod(0o755)
        refuse_existing(path)  # a rename would replace an empty folder
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def refuse_existing(path):
    """Raise ``FileExistsError`` when there is something at ``path``."""
    if path.exists():
        raise FileExistsError(f'{path} exists; choose another folder, or remove it')
