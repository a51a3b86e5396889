"""MP4 files of RGB frames, 25 a second."""
import av

FPS = 25


class Mp4Writer:
    """Writes frames of one size. A context manager; H.264 where that encoder exists, MPEG-4 otherwise: see ``codec``.

    Args:
        path: of the file, which is overwritten. width, height: pixels, even. crf: of H.264, 0 (lossless) to 51. title:
            in the metadata. gop: largest distance of two key frames; small ones make single frames cheap to find.
    """

    def __init__(self, path, width, height, crf=23, title='', gop=250):
        self._container = av.open(str(path), 'w', format='mp4', options={'movflags': 'faststart'})
        self._container.metadata['title'] = title
        encoder = 'libx264' if 'libx264' in av.codecs_available else 'mpeg4'
        self._stream = stream = self._container.add_stream(encoder, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        self.codec = 'h264' if encoder == 'libx264' else encoder
        if encoder == 'libx264':
            stream.options = {'preset': 'veryfast', 'crf': str(crf), 'g': str(gop), 'bf': '0'}
        else:
            stream.bit_rate = 4_000_000
            stream.options = {'g': str(gop)}

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        if kind is None:
            self._container.mux(self._stream.encode())
        self._container.close()

    def write(self, image):
        """Append one (H, W, 3) uint8 RGB frame, scaled to the file's size."""
        frame = av.VideoFrame.from_ndarray(image, 'rgb24')
        self._container.mux(self._stream.encode(frame.reformat(self._stream.width, self._stream.height, 'yuv420p')))
