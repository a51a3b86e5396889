"""Random changes of light, colour and camera pose: the same for all pictures of a sample, black frames untouched."""
import math

import torch
import torch.nn.functional as F

GREY = (0.299, 0.587, 0.114)


class PictureAugmentation:
    """For pictures (B, F, 3, S, S) uint8 -> float32 in 0..255.

    shift: share of the side, rotation: degrees, zoom, brightness, contrast, saturation: largest relative change. Each
    is drawn uniformly on both sides of no change, once a sample. Pixels from outside repeat the border.
    """

    def __init__(self, shift=0.03, rotation=3.0, zoom=0.03, brightness=0.2, contrast=0.2, saturation=0.2):
        self.shift, self.rotation, self.zoom = shift, math.radians(rotation), zoom
        self.brightness, self.contrast, self.saturation = brightness, contrast, saturation

    def __call__(self, pictures):
        batch, count = pictures.shape[:2]
        x = pictures.float().flatten(0, 1)
        draw = 2 * torch.rand(7, batch, device=x.device) - 1
        angle, scale = self.rotation * draw[0], 1 + self.zoom * draw[1]
        cos, sin = scale * angle.cos(), scale * angle.sin()
        move = 2 * self.shift * draw[2:4]
        pose = torch.stack([torch.stack([cos, -sin, move[0]], 1), torch.stack([sin, cos, move[1]], 1)], 1)
        grid = F.affine_grid(pose.repeat_interleave(count, 0), list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode='bilinear', padding_mode='border', align_corners=False)
        x = x.unflatten(0, (batch, count))
        brightness, contrast, saturation = (1 + width * d.view(-1, 1, 1, 1, 1) for width, d in
                                            zip((self.brightness, self.contrast, self.saturation), draw[4:]))
        weights = torch.tensor(GREY, device=x.device).view(3, 1, 1)
        x = x * brightness
        x = torch.lerp((x * weights).sum(2, keepdim=True).mean((3, 4), keepdim=True), x, contrast)
        return torch.lerp((x * weights).sum(2, keepdim=True), x, saturation).clamp(0, 255)
