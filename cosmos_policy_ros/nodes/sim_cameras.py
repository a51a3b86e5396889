"""The simulated cameras on the wire: one capture a frame, one rendered image a step, and what can go wrong."""
import array
from io import BytesIO

from PIL import Image as PillowImage
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.sim.cameras import CameraRig, Shutter

from .clock import time_message
from .qos import DRIVER

JPEG_QUALITY = 90
"""Of compressed images; RealSense's plugin has 95."""


class SimulatedCameras:
    """Publishes images and ``CameraInfo`` of all cameras; an image that nobody subscribes to is not rendered.

    Args:
        node: the simulator's. world: what is seen. robot: ``CameraParameters``; cameras give ``camera_rate`` images a
            second, at most one image of one camera a step. faults: a ``Faults``. step: s.
    """

    def __init__(self, node, world, robot, faults, step):
        self._rig = CameraRig(world, robot.image_width, robot.image_height)
        self._faults, self._shutter, self._captured = faults, Shutter(robot.camera_rate, step, len(CAMERAS)), 0.0
        self._images = {name: node.create_publisher(Image, robot.image_topic(name), DRIVER) for name in CAMERAS}
        self._infos = {name: node.create_publisher(CameraInfo, robot.info_topic(name), DRIVER) for name in CAMERAS}
        self._compressed = {}
        if robot.camera_transport == 'compressed':
            self._compressed = {name: node.create_publisher(CompressedImage, robot.picture_topic(name), DRIVER)
                                for name in CAMERAS}
        self._late, self._still = [], {}

    @property
    def rate(self):
        """Images a second of each camera."""
        return self._shutter.rate

    def reset(self):
        """The next step begins a frame."""
        self._shutter.reset()

    def close(self):
        """Free the renderers."""
        self._rig.close()

    def advance(self, step, epoch_start, now):
        """One step: ``step`` counts from the reset at ``epoch_start`` (s); what is due is rendered and published."""
        if self._shutter.opens(step):
            self._captured = epoch_start + self._rig.capture()
        if self._shutter.slot(step) < len(CAMERAS):
            self._shoot(CAMERAS[self._shutter.slot(step)], now)
        due = [entry for entry in self._late if entry[0] <= now]
        if due:
            self._late = [entry for entry in self._late if entry[0] > now]
            for _, *shot in due:
                self._publish(*shot)

    def _shoot(self, camera, now):
        if self._shutter.loses(self._faults.value('camera_dropped', camera) or 0.0):
            return
        width = int(self._faults.value('camera_wrong_size', camera) or self._rig.width)
        image = self._picture(camera, width) if self._seen(camera) else None
        shot = camera, width, image, self._captured + (self._faults.value('clock_skew', camera) or 0.0)
        delay = self._faults.value('camera_late', camera)
        if delay is None:
            self._publish(*shot)
        else:
            self._late.append((now + delay, *shot))

    def _seen(self, camera):
        publishers = self._images, self._compressed
        return any(camera in named and named[camera].get_subscription_count() for named in publishers)

    def _picture(self, camera, width):
        if self._faults.value('camera_frozen', camera) is None:
            self._still.pop(camera, None)
            return self._rig.render(camera, width)
        if camera not in self._still or self._still[camera].shape[1] != width:
            self._still[camera] = self._rig.render(camera, width).copy()
        return self._still[camera]

    def _publish(self, camera, width, image, moment):
        header = Header(stamp=time_message(moment), frame_id=f'{camera}_color_optical_frame')
        if image is not None:
            self._publish_image(camera, image, header)
        self._infos[camera].publish(CameraInfo(header=header, height=self._rig.height, width=width))

    def _publish_image(self, camera, image, header):
        height, width, _ = image.shape
        data = array.array('B')
        data.frombytes(image.tobytes())
        self._images[camera].publish(
            Image(header=header, height=height, width=width, encoding='rgb8', step=3 * width, data=data))
        if self._compressed:
            packed = BytesIO()
            PillowImage.fromarray(image).save(packed, 'JPEG', quality=JPEG_QUALITY)
            self._compressed[camera].publish(CompressedImage(header=header, format='rgb8; jpeg compressed bgr8',
                                                             data=array.array('B', packed.getvalue())))
