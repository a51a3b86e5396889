"""What the tasks are called and said to be: ``config/tasks.yaml``."""
import yaml

from .running import StartupError


def load_tasks(path):
    """Instruction by task name of a YAML file ``name: {instruction: ...}``.

    Raises:
        StartupError: the file is missing or has another form.
    """
    try:
        with open(path) as file:
            tasks = yaml.safe_load(file)
        return {name: task['instruction'] for name, task in tasks.items()}
    except OSError as error:
        raise StartupError(f'tasks file: {error}; set the parameter "tasks"') from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise StartupError(f'tasks file {path}: expected "name: {{instruction: ...}}" entries ({error})') from error
