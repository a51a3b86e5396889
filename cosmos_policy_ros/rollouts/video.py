"""A video of an episode's cameras side by side."""
from pathlib import Path

import numpy as np
from PIL import Image

from .bag import BagReader
from .episode import VIDEO_FILE
from .images import decompress
from .mp4 import FPS, Mp4Writer

PANEL = (640, 480)  # of one camera, before the video is scaled


def write_video(folder, height=360):
    """Write ``episode.mp4`` into an episode's folder: its cameras side by side, 25 frames a recorded second.

    ``height`` (even, pixels) is the video's; a camera takes a 4:3 panel of it. A frame shows each camera's last
    image by then, black before its first.

    Returns:
        the video's path, or None when the bag holds no images.
    """
    folder = Path(folder)
    draft = folder / f'.{VIDEO_FILE}'
    with BagReader(folder) as bag:
        topics = bag.record.robot.compressed_images()
        if not any(bag.topics[topic][1] for topic in topics if topic in bag.topics):
            return None
        width = len(topics) * height * 4 // 3 // 2 * 2
        title = f'{bag.record.id}: {bag.record.instruction or bag.record.task}'
        with Mp4Writer(draft, width, height, title=title) as video:
            for picture in _pictures(bag, topics):
                video.write(picture)
    path = folder / VIDEO_FILE
    draft.replace(path)
    return path


def _pictures(bag, topics):
    """Yield (480, cameras * 640, 3) uint8, one a 1/25 s from the first image to the last."""
    canvas = np.zeros((PANEL[1], PANEL[0] * len(topics), 3), np.uint8)
    fresh, first, frames = {}, None, 0

    def compose():
        for topic, message in fresh.items():
            image = decompress(message)
            if image.shape[1::-1] != PANEL:
                image = np.asarray(Image.fromarray(image).resize(PANEL, Image.BILINEAR))
            left = topics.index(topic) * PANEL[0]
            canvas[:, left:left + PANEL[0]] = image
        fresh.clear()
        return canvas

    for topic, stamp, message in bag.messages(topics):
        first = stamp if first is None else first
        while (stamp - first) * FPS > (frames + 0.5) * 1e9:
            yield compose()
            frames += 1
        fresh[topic] = message
    yield compose()
