"""Three cameras: one snapshot of the world, rendered one camera at a time."""
import math

import mujoco
import numpy as np


class CameraRig:
    """Renders a ``World``'s cameras; belongs to the thread that made it, and is to be closed by it.

    Views are 4:3. Another ``width`` to ``height`` ratio squashes the whole view, as resizing the 4:3 image would.
    """

    def __init__(self, world, width=640, height=480):
        self.world, self.width, self.height = world, width, height
        self._renderers, self._model, self._data = {}, None, None

    def capture(self):
        """Take the state that following renders show; returns its simulation time (s)."""
        if self._model is not self.world.model:  # the world changed its task
            self.close()
            self._model, self._data = self.world.model, mujoco.MjData(self.world.model)
        self._data.qpos[:] = self.world.data.qpos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        return self.world.time

    def render(self, name, width=None):
        """(height, width, 3) uint8 RGB of one camera as of the last ``capture``; ``width``: another one than usual."""
        return self._render(name, width or self.width, self.height)

    def render_small(self, name, size, supersample=3):
        """(size, size, 3) uint8 RGB: the whole view squashed, rendered ``supersample`` times larger and averaged."""
        return shrink(self._render(name, size * supersample, size * supersample), supersample)

    def _render(self, name, width, height):
        if self._data is None:
            raise RuntimeError('nothing was captured: call capture() before rendering')
        if (width, height) not in self._renderers:
            self._renderers[width, height] = _renderer(self._model, width, height)
        renderer = self._renderers[width, height]
        renderer.update_scene(self._data, camera=name)
        return renderer.render()

    def close(self):
        """Free the OpenGL contexts."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()
        self._model = self._data = None


class Shutter:
    """Says in which steps of the simulation a frame begins; one camera of it is rendered in each step from there on.

    Args:
        rate: frames a second that are asked for. step: s. cameras: how many. ``rate`` tells what comes of it.
    """

    def __init__(self, rate, step, cameras):
        self._steps = max(1.0 / (rate * step), cameras)
        self.rate = 1.0 / (self._steps * step)
        self.reset()

    def reset(self):
        """Step 0 begins a frame."""
        self._frame = self._begun = self._next = 0

    def opens(self, step):
        """Whether a frame begins in this step; to be asked once for each step, in order."""
        if step != self._next:
            return False
        self._frame, self._begun = self._frame + 1, step
        self._next = math.ceil(self._frame * self._steps - 1e-6)
        return True

    def slot(self, step):
        """Steps since the frame began."""
        return step - self._begun

    def loses(self, share):
        """Whether this frame is among the ``share`` (0 to 1) of frames that is lost, evenly spread."""
        return math.floor(self._frame * share + 1e-9) > math.floor((self._frame - 1) * share + 1e-9)


def _renderer(model, width, height):
    try:
        renderer = mujoco.Renderer(model, height=height, width=width)
    except (RuntimeError, AttributeError, ImportError, mujoco.FatalError) as error:
        raise RuntimeError(
            f'no OpenGL renderer for the simulated cameras: {error}. Install libegl1, libgl1 and libgl1-mesa-dri '
            '(MUJOCO_GL=egl) or libosmesa6 (MUJOCO_GL=osmesa), set before Python starts') from error
    for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
        renderer.scene.flags[flag] = False
    return renderer


def shrink(image, factor):
    """(H / factor, W / factor, 3) uint8: means over factor x factor pixels."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    total = image.reshape(height, factor, width, factor, 3).astype(np.uint16).sum(axis=(1, 3))
    return ((total + factor * factor // 2) // (factor * factor)).astype(np.uint8)
