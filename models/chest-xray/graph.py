"""The one graph that is exported: classifier, heat map and suitability."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import nets

# In this order the first check that is exceeded gives the most telling reason.
COLUMNS = (
    ("contrast", "The picture is almost blank, or is pure black and white."),
    ("polarity", "The film is inverted: bone is dark and air is bright."),
    ("orientation", "The film lies on its side or upside down."),
    ("anatomy", "The picture shows something other than a chest from the front."),
    ("detail", "The picture is far too noisy or far too smooth for an X-ray film."),
    ("residual", "The picture is not built up like a chest film."),
    ("distance", "The picture is too far from the films the model was trained on."),
)
MOST = 99.0


class Whole(nn.Module):
    """Raw grey levels in; probability, heat map and suitability out."""

    def __init__(self, classifiers, gate, components=48):
        super().__init__()
        self.nets = nn.ModuleList(classifiers)
        self.gate = gate
        wide = sum(n.head.in_features for n in classifiers)
        lap = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
        self.register_buffer("lap", lap.reshape(1, 1, 3, 3))
        for name, shape in (("slope", 1), ("offset", 1), ("usual", (1, 1, 14, 14)), ("sharp", 1), ("pca_mean", 3136), ("pca", (3136, components)),
                            ("centre", (2, wide)), ("whiten", (wide, wide)), ("contrast", 2), ("detail", 2),
                            ("residual", 1), ("distance", 1), ("margin", 3)):
            self.register_buffer(name, torch.ones(shape))

    def features(self, x):
        return [n.maps(x) for n in self.nets]

    def raw(self, image, maps=None):
        """The figures behind the checks, before any limit: [N,7]."""
        x, spread = nets.standardise(image)
        maps = self.features(x) if maps is None else maps
        lap = F.conv2d(x, self.lap)
        detail = torch.log((lap * lap).mean((1, 2, 3)) + 1e-6)
        small, _ = nets.standardise(nets.shrink(image))
        flat = small.reshape(-1, 3136) - self.pca_mean
        coefficient = flat @ self.pca
        rest = flat - coefficient @ self.pca.t()
        residual = (rest * rest).mean(1)
        f = torch.cat([m.float().mean((2, 3)) for m in maps], 1)
        a, b = (f - self.centre[0]) @ self.whiten, (f - self.centre[1]) @ self.whiten
        a, b = (a * a).mean(1), (b * b).mean(1)
        distance = torch.min(a, b)
        z = self.gate.head(self.gate.features(small))
        return torch.cat([torch.stack([spread[:, 0, 0, 0], detail, residual, distance], 1), z[:, 1:] - z[:, :1]], 1)

    def checks(self, raw):
        spread = raw[:, 0:1]
        contrast = torch.max(self.contrast[0] / spread.clamp(min=1e-3), spread / self.contrast[1])
        detail = (raw[:, 1:2] - self.detail[0]).abs() / self.detail[1]
        # of the gate's three classes only the leading one speaks
        over = raw[:, 4:7] - self.margin
        over = over - 8 * (over.max(1, keepdim=True)[0] - over)
        gate = torch.exp((over / 4).clamp(min=-20.0, max=10.0))
        return torch.cat([contrast, gate, detail, raw[:, 2:3] / self.residual, raw[:, 3:4] / self.distance],
                         1).clamp(max=MOST)

    def logit(self, maps):
        """Mean of the classifiers' answers, and the same for every place."""
        place = sum(F.conv2d(m, n.head.weight[:, :, None, None], n.head.bias) for m, n in zip(maps, self.nets))
        place = place / len(self.nets)
        return place.mean((2, 3)), place

    def forward(self, image):
        x, _ = nets.standardise(image)
        maps = self.features(x)
        z, place = self.logit(maps)
        pneumonia = torch.sigmoid(z * self.slope + self.offset)
        place = (place - self.usual) * self.sharp  # against what is usual at that place
        place = F.avg_pool2d(place, 3, 1, padding=1, count_include_pad=False)
        place = F.interpolate(place, scale_factor=2.0, mode="bilinear", align_corners=False)
        heat = torch.sigmoid(place)
        return pneumonia, heat, self.checks(self.raw(image, maps))


def export(whole, path):
    whole.eval()
    torch.onnx.export(whole, torch.rand(2, 1, 224, 224) * 255, path, opset_version=13,
                      input_names=["image"], output_names=["pneumonia", "heatmap", "suitability"],
                      dynamic_axes={n: {0: "N"} for n in ("image", "pneumonia", "heatmap", "suitability")},
                      do_constant_folding=True)
