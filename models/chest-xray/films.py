"""Reading the films, and changing them at random while training.

Everything here works on whole batches in torch, because the machine that
trains has two cores and no graphics card.
"""
import csv
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIZE = 224


def squash(picture):
    """One film as production sees it: whole film, 8-bit grey, 224x224.

    Pillow's BILINEAR is a triangle filter that widens when it reduces, so it
    is antialiased; the service does the same in C.
    """
    picture = picture.convert("L")
    if picture.size != (SIZE, SIZE):
        picture = picture.resize((SIZE, SIZE), Image.BILINEAR)
    return np.asarray(picture, dtype=np.uint8)


def read(path):
    with Image.open(path) as picture:
        return squash(picture)


class Split:
    """The 224x224 films of one split, all in memory."""

    def __init__(self, root, split, kind="224x224 copy"):
        with open(os.path.join(root, "manifest.csv"), newline="") as f:
            rows = [r for r in csv.DictReader(f) if r["kind"] == kind and r["split"] == split]
        rows.sort(key=lambda r: r["file"])
        self.rows = rows
        self.files = [r["file"] for r in rows]
        self.patients = [r["patient_id"] for r in rows]
        self.x = torch.from_numpy(np.stack([read(os.path.join(root, f)) for f in self.files]))[:, None]
        self.y = torch.tensor([r["label"] == "PNEUMONIA" for r in rows]).float()
        self.virus = torch.tensor([r["disease"] == "VIRUS" for r in rows]).float()
        self.aspect = np.array([int(r["original_width"]) / int(r["original_height"])
                                if r["original_width"] else np.nan for r in rows])

    def __len__(self):
        return len(self.files)


# ---------------------------------------------------------------- augmentation

def _u(n, lo, hi, g):
    return torch.rand(n, 1, 1, 1, generator=g) * (hi - lo) + lo


def blur(x, sigma, reach=5):
    """Gaussian blur with its own sigma (in pixels) for every film."""
    n, size = x.shape[0], x.shape[-1]
    t = torch.arange(-reach, reach + 1).float()
    k = torch.exp(-0.5 * (t[None] / sigma.reshape(n, 1).clamp(min=0.05)) ** 2)
    k = (k / k.sum(1, keepdim=True))[:, None, None]
    whole = F.conv2d(torch.ones(1, n, 1, size), k, groups=n, padding=(0, reach))  # less at the edge
    y = F.conv2d(x.reshape(1, n, size, size), k, groups=n, padding=(0, reach)) / whole
    y = F.conv2d(y, k.transpose(2, 3), groups=n, padding=(reach, 0)) / whole.transpose(2, 3)
    return y.reshape(n, 1, size, size)


def smooth_field(n, g, coarse=4):
    return F.interpolate(torch.randn(n, 1, coarse, coarse, generator=g), size=(SIZE, SIZE),
                         mode="bicubic", align_corners=True)


_i = torch.arange(8).float()
_DCT = torch.cos((2 * _i[None] + 1) * _i[:, None] * math.pi / 16) * math.sqrt(2 / 8)
_DCT[0] /= math.sqrt(2)
_STEP = 10 + 6.0 * (_i[:, None] + _i[None])  # coarser steps for finer detail, as JPEG has


def block_noise(x, strength):
    """Rounding of 8x8 cosine blocks: what a JPEG of that strength would leave."""
    n = x.shape[0]
    b = x.reshape(n, 28, 8, 28, 8).permute(0, 1, 3, 2, 4) * 255
    c = _DCT @ b @ _DCT.t()
    step = _STEP[None, None, None] * strength.reshape(n, 1, 1, 1, 1)
    c = torch.round(c / step) * step
    b = _DCT.t() @ c @ _DCT
    return b.permute(0, 1, 3, 2, 4).reshape(n, 1, SIZE, SIZE) / 255


def warp_grid(n, g, lo=0.62, hi=1.12, turn=10.0, shear=0.08, mirror=0.1, shift=0.04):
    """Random stretch of width and height apart, crop, turn and shear.

    Width and height are drawn independently, so the ratio of the two runs
    from about 0.55 to 1.8: far more than the difference in shape between the
    two classes. The shape of the original film is thereby made worthless.
    """
    sx = torch.rand(n, generator=g) * (hi - lo) + lo
    sy = torch.rand(n, generator=g) * (hi - lo) + lo
    a = (torch.rand(n, generator=g) * 2 - 1) * turn * math.pi / 180
    k = (torch.rand(n, generator=g) * 2 - 1) * shear
    flip = 1 - 2 * (torch.rand(n, generator=g) < mirror).float()
    tx = (torch.rand(n, generator=g) * 2 - 1) * ((1 - sx).abs() * 0.8 + shift)
    ty = (torch.rand(n, generator=g) * 2 - 1) * ((1 - sy).abs() * 0.8 + shift)
    c, s = torch.cos(a), torch.sin(a)
    t = ((torch.arange(SIZE).float() + 0.5) * 2 / SIZE - 1)[None]

    def plane(across, down, offset):
        return ((across[:, None] * t)[:, None] + (down[:, None] * t + offset[:, None])[:, :, None])

    return torch.stack([plane(sx * c * flip, k - sy * s, tx), plane(sx * s * flip, sy * c, ty)], 3)


def augment(u8, g, **warp):
    """uint8 [N,1,224,224] to float 0..255, changed at random."""
    n = u8.shape[0]
    x = u8.float() / 255
    # grey levels: window, gamma, uneven exposure
    lo, hi = _u(n, -0.05, 0.12, g), _u(n, 0.80, 1.15, g)
    x = ((x - lo) / (hi - lo)).clamp(0, 1)
    x = x.clamp(min=1e-4) ** torch.exp(_u(n, -0.5, 0.5, g))
    on = (torch.rand(n, 1, 1, 1, generator=g) < 0.5).float()
    x = x * (1 + 0.10 * on * smooth_field(n, g))
    # sharpness, before the film is stretched
    m = torch.rand(n, generator=g) < 0.6
    if m.any():
        x[m] = blur(x[m], torch.rand(int(m.sum()), generator=g) * 2.0 + 0.2)
    # shape
    grid = warp_grid(n, g, **warp)
    pad = ("zeros", "border", "reflection")[int(torch.randint(3, (1,), generator=g))]
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode=pad, align_corners=False)
    # grain and compression
    on = (torch.rand(n, 1, 1, 1, generator=g) < 0.4).float()
    x = x + torch.randn(x.shape, generator=g) * on * _u(n, 0, 0.05, g)
    x = x.clamp(0, 1)
    m = torch.rand(n, generator=g) < 0.4
    if m.any():
        x[m] = block_noise(x[m], torch.rand(int(m.sum()), generator=g) * 2.0 + 0.3).clamp(0, 1)
    # letters and stickers: rectangles, mostly near the edges
    for _ in range(2):
        w = torch.randint(10, 60, (n, 2), generator=g)
        c = torch.rand(n, 2, generator=g)
        c = torch.where(torch.rand(n, 2, generator=g) < 0.7, (c > 0.5).float() * 0.8 + c * 0.2, c)
        v = torch.rand(n, generator=g)
        use = torch.rand(n, generator=g) < 0.35
        for i in torch.nonzero(use).flatten().tolist():
            top, left = int(c[i, 0] * (SIZE - w[i, 0])), int(c[i, 1] * (SIZE - w[i, 1]))
            x[i, 0, top:top + w[i, 0], left:left + w[i, 1]] = v[i]
    # brightness and contrast of the whole
    x = (x * _u(n, 0.6, 1.0, g) + _u(n, 0, 0.15, g)).clamp(0, 1)
    return x * 255
