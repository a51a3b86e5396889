"""What the pictures of the cameras tell."""
from .check import Check, Fault

DARK = 6.0
"""Mean brightness, of 255, below which a picture counts as black: a covered lens gives 1 to 4."""

STILL = 0.5
"""s without the change of a single pixel: a sensor's noise alone changes some in every picture."""

LATE = 0.5
MOVED = 0.05
"""rad that an arm has to have moved for a simulated camera, which has no noise, to count as frozen."""


def _heard(findings):
    return [camera for camera in findings.cameras if camera.heard]


def _fault(camera, text):
    return Fault(f'{camera.name}: {text}', {'camera': camera.name, 'topic': camera.topic})


def silent(findings):
    if findings.graph is None:
        return None
    return [_fault(camera, f'{camera.topic} has a publisher, but nothing comes') for camera in findings.cameras
            if not camera.heard and findings.graph.at(camera.topic)]


def wrong_size(findings):
    if not _heard(findings):
        return None
    width, height = findings.expected.width, findings.expected.height
    return [_fault(camera, f'pictures of {camera.width}x{camera.height}, expected {width}x{height}')
            for camera in _heard(findings) if camera.width and (camera.width, camera.height) != (width, height)]


def wrong_encoding(findings):
    if not _heard(findings):
        return None
    return [_fault(camera, f'encoding {camera.encoding!r}, taken are {", ".join(findings.expected.encodings)}')
            for camera in _heard(findings) if camera.encoding not in ('', *findings.expected.encodings)]


def damaged(findings):
    if not _heard(findings):
        return None
    return [_fault(camera, camera.refused) for camera in _heard(findings) if camera.refused]


def slow(findings):
    cameras = [camera for camera in findings.cameras if camera.heard > 2]
    if not cameras:
        return None
    wanted = findings.expected.camera_rate
    return [_fault(camera, f'{camera.rate:.1f} pictures a second, expected {wanted:g}') for camera in cameras
            if camera.rate < 0.9 * wanted]


def black(findings):
    if not _heard(findings):
        return None
    return [_fault(camera, f'black: mean brightness {camera.brightness:.1f} of 255')
            for camera in _heard(findings) if camera.width and camera.brightness < DARK]


def frozen(findings):
    if not _heard(findings):
        return None
    moved = any(arm.moved > MOVED for arm in findings.arms)
    if findings.expected.sim and not moved:
        return None
    return [_fault(camera, f'no pixel changed for {camera.still:.1f} s') for camera in _heard(findings)
            if camera.still > STILL]


def late(findings):
    if not _heard(findings):
        return None
    return [_fault(camera, f'pictures are {camera.age:.2f} s old when they come') for camera in _heard(findings)
            if camera.age > LATE]


def skewed(findings):
    cameras = _heard(findings)
    if len(cameras) < 2 or any(camera.age > LATE for camera in cameras):
        return None
    stamps = {camera.name: camera.stamp for camera in cameras}
    period = 1.0 / max(findings.expected.camera_rate, 1.0)
    apart = max(stamps.values()) - min(stamps.values())
    if apart <= findings.expected.skew + 2 * period:
        return []
    oldest = min(stamps, key=stamps.get)
    return [Fault(f'the newest pictures are {1000 * apart:.0f} ms apart, {oldest} is the oldest', {'camera': oldest})]


def serials(findings):
    told = [camera for camera in findings.cameras if camera.serial and findings.expected.serials.get(camera.name)]
    if not told:
        return None
    return [Fault(f'{camera.name} is the camera {camera.serial!r}, expected {findings.expected.serials[camera.name]!r}',
                  {'camera': camera.name, 'expected': findings.expected.serials[camera.name]})
            for camera in told if camera.serial.strip("_'\"") != findings.expected.serials[camera.name].strip("_'\"")]


def swapped(findings):
    if findings.wrist_cameras == 'undecided':
        return None
    if findings.wrist_cameras == 'straight':
        return []
    topics = {camera.name: camera.topic.removesuffix('/compressed') for camera in findings.cameras}
    return [Fault('the wrist cameras are swapped: the pictures of each change when the other arm moves',
                  {'left': topics['cam_left_wrist'], 'right': topics['cam_right_wrist']})]


CHECKS = (
    Check('camera_silent', 'No pictures of one camera.', silent,
          'unplug {camera} and plug it in again, at a USB 3 port; restart its driver; then: ros2 topic hz {topic}'),
    Check('camera_size', 'The policy refuses pictures for their size.', wrong_size,
          'set the profile of {camera}: RealSense 4.55 and later depth_module.color_profile:=640x480x60 (D405) or '
          'rgb_camera.color_profile:=640x480x60, before 640,480,60 as depth_module.profile; usb_cam: image_width, '
          'image_height'),
    Check('camera_encoding', 'The policy refuses pictures for their encoding.', wrong_encoding,
          'set {camera} to rgb8: usb_cam pixel_format:=yuyv2rgb, v4l2_camera output_encoding:=rgb8'),
    Check('camera_damaged', 'Pictures are refused as cut.', damaged,
          'restart {camera}, look at its cable and at the network: raw pictures over a network need camera_transport: '
          'compressed'),
    Check('camera_slow', 'The policy complains about old or uneven pictures.', slow,
          'give {camera} a USB 3 port of its own (at most two cameras on a hub), switch off auto-exposure and the depth '
          'stream, set 30 or 60 frames a second'),
    Check('camera_black', 'A picture is black.', black, 'take the cap off {camera}, switch the light on, set its exposure'),
    Check('camera_frozen', 'A picture stands still although something moves.', frozen,
          'restart the driver of {camera}; RealSense with initial_reset:=true'),
    Check('camera_late', 'Pictures are old when they come.', late,
          'stop what loads the computer or the network; compare the clocks; restart {camera}'),
    Check('camera_skew', 'The policy says that pictures are too far apart.', skewed,
          'set all cameras to the same rate, restart {camera}; a hardware trigger removes the rest'),
    Check('camera_serial', 'A camera shows the view of another.', serials,
          'start {camera} with serial_no:="_{expected}" (usb_cam: video_device), or correct {camera}_serial in '
          'config/cameras_*.yaml'),
    Check('wrist_cameras_swapped', 'The policy reaches with the wrong hand.', swapped,
          'exchange the two: set cam_left_wrist_topic: {right} and cam_right_wrist_topic: {left} in config/cameras_*.yaml, '
          'or exchange the serial numbers in the camera launch file'),
)
