"""A simulated ALOHA: MuJoCo scene, tasks, the arm driver's behaviour, cameras, scripted experts. ROS-free.

Importing this package chooses MuJoCo's OpenGL back end, which is fixed once ``mujoco`` is imported: EGL on Linux,
since it needs no display, unless ``MUJOCO_GL`` says otherwise. Software rendering gets one thread per renderer.
"""
import os
import sys

if sys.platform == 'linux':
    os.environ.setdefault('MUJOCO_GL', 'egl')
    os.environ.setdefault('LP_NUM_THREADS', '1')

try:
    import mujoco  # noqa: F401
except (ImportError, AttributeError, OSError) as error:
    raise ImportError(
        f'mujoco cannot be imported with MUJOCO_GL={os.environ.get("MUJOCO_GL", "")!r}: {error}. For headless '
        'rendering install libegl1, libgl1 and libgl1-mesa-dri, or libosmesa6 with MUJOCO_GL=osmesa; '
        'MUJOCO_GL=disable runs physics without cameras') from error
