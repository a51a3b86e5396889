"""The three simulated cameras at 640x480, against the 40 ms of a frame and against the small pictures of training.

    python benchmarks/bench_rendering.py
"""
import os

from cosmos_policy_ros.bringup.environment import THREADS

for name, value in THREADS.items():  # before OpenGL is loaded
    os.environ.setdefault(name, value)

from comparison import line, medians  # noqa: E402

from cosmos_policy_ros.bringup.share import default_checkpoint  # noqa: E402
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD  # noqa: E402
from cosmos_policy_ros.policy.checkpoint_folder import load_config  # noqa: E402
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.sim.cameras import CameraRig  # noqa: E402
from cosmos_policy_ros.sim.world import World  # noqa: E402

ROUNDS = 60


def main():
    size = load_config(default_checkpoint()).image_size
    world = World('plate')
    world.reset(0)
    rig = CameraRig(world)
    rig.capture()
    seconds = medians({'full': lambda: [rig.render(camera) for camera in CAMERAS],
                       'small': lambda: [rig.render_small(camera, size) for camera in CAMERAS]}, ROUNDS)
    rig.close()
    print(line('bench_rendering', (f'three cameras {rig.width}x{rig.height}, one thread', seconds['full']),
               [(seconds['full'] / CONTROL_PERIOD, 'the period of a frame', CONTROL_PERIOD),
                (seconds['full'] / seconds['small'], f'the same at {size} px from 3 x {size} px', seconds['small'])]))


if __name__ == '__main__':
    main()
