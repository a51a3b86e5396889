"""Three cameras: one snapshot of the world, rendered one camera at a time."""
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

    def render(self, name):
        """(height, width, 3) uint8 RGB of one camera as of the last ``capture``."""
        return self._render(name, self.width, self.height)

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
