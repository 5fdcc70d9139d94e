"""The networks, and the one graph that is exported."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.c1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.b1 = nn.BatchNorm2d(o)
        self.c2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(o)
        nn.init.zeros_(self.b2.weight)
        self.skip = None
        if i != o or stride != 1:
            self.skip = nn.Sequential(nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                                      nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
        return F.relu(y + (x if self.skip is None else self.skip(x)))


def standardise(image):
    """Mean 0 and spread 1 for every film, whatever its brightness."""
    mean = image.mean((2, 3), keepdim=True)
    centred = image - mean
    spread = (centred * centred).mean((2, 3), keepdim=True).sqrt()
    return centred / spread.clamp(min=1.0), spread


class ChestNet(nn.Module):
    """A small residual network. The last maps are 14x14 and are averaged, so
    the evidence of every place adds up to the answer: that is the heat map."""

    def __init__(self, widths=(32, 64, 128), blocks=(1, 2, 2), drop=0.2):
        super().__init__()
        t = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("soft", (t[:, None] * t[None]).reshape(1, 1, 3, 3))
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 7, 4, 3, bias=False),
                                  nn.BatchNorm2d(widths[0]), nn.ReLU())
        layers, i = [], widths[0]
        for k, (o, m) in enumerate(zip(widths, blocks)):
            for j in range(m):
                layers.append(Block(i, o, 2 if j == 0 and k > 0 else 1))
                i = o
        self.body = nn.Sequential(*layers)
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(i, 1)
        self.kind = nn.Linear(i, 1)  # bacteria or virus: helps training, not exported

    def maps(self, x):
        x = F.conv2d(x, self.soft, padding=1)  # finest grain carries no anatomy
        return self.body(self.stem(x))

    def forward(self, image):
        x, _ = standardise(image)
        f = self.maps(x).float().mean((2, 3))
        d = self.drop(f)
        return self.head(d), self.kind(d)


class GateNet(nn.Module):
    """A very small network that tells a chest film (0) from an inverted one
    (1), one lying on its side or head (2), and something else (3)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 24, 5, 2, 2, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.body = nn.Sequential(Block(24, 24, 1), Block(24, 48, 2), Block(48, 64, 2))
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(64, 4)

    def features(self, small):
        return self.body(self.stem(small)).float().mean((2, 3))

    def forward(self, small):
        return self.head(self.drop(self.features(small)))


def shrink(x):
    """224 to 56, by means of 4x4 pixels."""
    return F.avg_pool2d(x, 4)
