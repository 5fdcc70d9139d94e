#!/usr/bin/python3
"""Draw synthetic radiographs for the demonstration and write them as DICOM.

    /usr/bin/python3 make_samples.py --data ../shared/data/chest-xray --out samples

A picture is the mean film of a class plus random amounts of the main ways in
which films of that class differ (principal components of the training part),
made larger, with grain. It is nobody's film. A candidate is kept when the
model calls it as meant, the input gate lets it pass, and no training film is
near it: the deviation from the class mean may not correlate above a limit
with the deviation of any film of the class. One drawn limb, labelled as a
chest, shows the gate refusing.
"""
import argparse
import json
import os
import sys

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import dicom  # noqa: E402
import films  # noqa: E402
import outliers  # noqa: E402
from runner import Runner  # noqa: E402

SIDE, PARTS = 112, 40


def statistics(x):
    """Mean, principal directions and their spread, of films made small; and each deviation."""
    small = torch.nn.functional.avg_pool2d(x.float(), 224 // SIDE).reshape(len(x), -1)
    mean = small.mean(0)
    _, s, v = torch.pca_lowrank(small, q=PARTS, niter=3)
    return mean.numpy(), v.numpy(), (s / np.sqrt(len(x) - 1)).numpy(), (small - mean).numpy()


def enlarge(a, rows, columns):
    return np.asarray(Image.fromarray(a.astype(np.float32)).resize((columns, rows), Image.BICUBIC))


def skeleton(r, rows, columns, clear):
    """Ribs, collar bones, spine and vessels as smooth drawn curves, in grey
    levels to add. x runs from -1 to 1 across the chest, y from 0 to 1 down."""
    y, x = np.mgrid[0:1:rows * 1j, -1:1:columns * 1j]
    x = x - r.uniform(-0.02, 0.02)
    out = np.zeros_like(x)
    wide, top, pitch = r.uniform(0.68, 0.74), r.uniform(0.13, 0.16), r.uniform(0.066, 0.074)
    side = np.abs(x)
    for k in range(9):
        # back part: from the spine outwards, a little upwards, then down; front part: steeper
        reach = wide * min(1.0, 0.55 + 0.13 * k)
        u = side / reach
        inside = 1 / (1 + np.exp((u - 0.97) * 40)) / (1 + np.exp((0.10 - side) * 60))
        back = top + pitch * k + 0.10 * u ** 2 - 0.03 * np.sin(np.pi * np.clip(u, 0, 1)) + r.normal(0, 0.002)
        half = 0.013 + 0.002 * r.standard_normal()
        d = (y - back) / half
        out += inside * (np.exp(-d ** 4) * 9 + np.exp(-((np.abs(d) - 1) / 0.25) ** 2) * 8)
        if 0 < k < 7:
            front = back + 0.16 - 0.19 * (1 - u)
            seen = inside / (1 + np.exp((0.35 - side) * 30))
            out += seen * np.exp(-((y - front) / half) ** 4) * 7
    for k in range(16):  # spine: discs and arches
        at = 0.06 + 0.056 * k
        out -= np.exp(-((y - at) / 0.006) ** 2 - (x / 0.085) ** 6) * 6
        out += np.exp(-(((y - at - 0.026) / 0.014) ** 2 + ((side - 0.045) / 0.014) ** 2)) * 6
    out += np.exp(-((side - 0.085) / 0.006) ** 2) * 4
    collar = 0.13 - 0.06 * side + 0.05 * np.sin(3.2 * side)
    d = (y - collar) / 0.016
    seen = 1 / (1 + np.exp((0.06 - side) * 50)) / (1 + np.exp((side - 0.62) * 40))
    out += seen * (np.exp(-d ** 4) * 10 + np.exp(-((np.abs(d) - 1) / 0.3) ** 2) * 10)

    tree = np.zeros_like(x)

    def vessel(px, py, t, length, width):
        nonlocal tree
        if length < 0.06:
            return
        qx, qy = px + length * np.cos(t), py + length * np.sin(t) * 0.5
        s = np.clip(((x - px) * (qx - px) + (y - py) * (qy - py)) / ((qx - px) ** 2 + (qy - py) ** 2), 0, 1)
        e = np.hypot(x - px - s * (qx - px), (y - py - s * (qy - py)) * 2)
        tree = np.maximum(tree, np.exp(-(e / width) ** 2) * (4 + 120 * width))
        for turn in (-1, 1):
            vessel(qx, qy, t + turn * r.uniform(0.2, 0.6), length * r.uniform(0.6, 0.8), width * 0.75)

    for s in (-1, 1):
        for t in (-1.1, -0.4, 0.3, 0.9, 1.3):
            t = t + r.normal(0, 0.1)
            vessel(s * 0.2, 0.42, t if s > 0 else np.pi - t, 0.16, 0.016)
    # air: a dark field on either side, with a sharp lower edge
    for s, height in ((-1, r.uniform(0.70, 0.74)), (1, r.uniform(0.71, 0.75))):
        t = (s * x - 0.40) / 0.27
        field = 1 / (1 + np.exp((np.abs(t) ** 2.5 + np.clip(0.42 - y, 0, 1) ** 2 / 0.075 - 1) * 6))
        field = field / (1 + np.exp((y - height + 0.05 * (1 - t ** 2)) * 130))
        out -= field * r.uniform(8, 16) * clear
    return out + tree * clear


def picture(stat, away, r, rows, columns, strength, clear):
    mean, v, spread, _ = stat
    c = np.clip(r.standard_normal(PARTS), -1.8, 1.8) * spread * strength
    small = (mean + v @ c + away * r.uniform(0.3, 1.3)).reshape(SIDE, SIDE)
    a = enlarge(small, rows, columns)
    if clear:  # lungs full of air stand out more
        a = a.mean() + (a - a.mean()) * r.uniform(1.1, 1.6)
    drawn = skeleton(r, rows * 400 // columns, 400, clear)
    a = a + enlarge(drawn, rows, columns) * r.uniform(1.2, 2.4) * (1.0 if clear else 0.5)
    for size, much in ((60, 2.5), (120, 2.5), (220, 2.5)):  # fine structure, then grain
        a = a + enlarge(r.standard_normal((size * rows // columns, size)), rows, columns) * much * (0.4 + a / 255)
    a = a + r.standard_normal(a.shape) * 4
    return np.clip(a, 2, 253), small.ravel() - mean


def nearest(deviation, stat):
    d = stat[3]
    return float(np.max(d @ deviation / (np.linalg.norm(d, axis=1) * np.linalg.norm(deviation))))


def save(path, a, bits, name, what, part="CHEST"):
    top = (1 << bits) - 1
    pixels = np.round(a / 255 * top).astype(np.uint16 if bits > 8 else np.uint8)
    t = {(8, 5): ("CS", "ISO_IR 100"), (8, 8): ("CS", "DERIVED\\SECONDARY"), (8, 0x20): ("DA", "20260101"),
         (8, 0x30): ("TM", "120000"), (8, 0x50): ("SH", ""), (8, 0x60): ("CS", "CR"),
         (8, 0x70): ("LO", "Lazaret make_samples.py"), (8, 0x90): ("PN", ""),
         (8, 0x103E): ("LO", "SYNTHETIC " + what), (0x10, 0x10): ("PN", "SYNTHETIC^FILM"),
         (0x10, 0x20): ("LO", "SYNTHETIC-" + name.upper()), (0x10, 0x30): ("DA", ""), (0x10, 0x40): ("CS", "O"),
         (0x10, 0x1010): ("AS", "004Y"), (0x18, 0x15): ("CS", part), (0x18, 0x5101): ("CS", "AP"),
         (0x20, 0x10): ("SH", "1"), (0x20, 0x11): ("IS", "1"), (0x20, 0x13): ("IS", "1"), (0x20, 0x60): ("CS", ""),
         (0x20, 0x4000): ("LT", "SYNTHETIC picture (%s), drawn by a program from statistics of many films. "
                                "It shows no person. Not for clinical use." % what)}
    dicom.write(path, pixels, bits, t, name)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.path.join(HERE, "../../../shared/data/chest-xray"))
    p.add_argument("--out", default=os.path.join(HERE, "samples"))
    p.add_argument("--model", default=HERE)
    p.add_argument("--count", type=int, default=1, help="pictures of each kind")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--near", type=float, default=0.6, help="greatest allowed correlation with a training film")
    a = p.parse_args()
    torch.set_num_threads(2)
    os.makedirs(a.out, exist_ok=True)
    about = json.load(open(os.path.join(a.model, "model.json")))
    run, t = Runner(os.path.join(a.model, about["file"])), about["finding"]["threshold"]
    names = [c["name"] for c in about["suitability"]]
    data = films.Split(a.data, "train")
    stats = [statistics(data.x[data.y == y][:1100]) for y in (0, 1)]
    for kind, y, rows, columns in (("normal", 0, 960, 1072), ("pneumonia", 1, 800, 1072)):
        stat = stats[y]
        away = stat[0] - stats[1 - y][0]  # what sets this class apart from the other
        r = np.random.default_rng(a.seed + y)
        kept = []
        for attempt in range(200):
            # the class mean is the average of many differently placed films, so
            # some tries are made with less, some with more variation
            pixels, deviation = picture(stat, away, r, rows, columns, r.uniform(0.5, 1.0), 1 - y)
            x = films.squash(Image.fromarray(np.round(pixels).astype(np.uint8)))
            prob, _, suit = run(x[None, None])
            prob, suit = float(prob), suit[0]
            right = prob > (1 + t) / 2 if y else prob < t / 2
            if right and suit.max() < 0.9:
                near = nearest(deviation, stat)
                if near < a.near:
                    kept.append((pixels, prob, suit, near))
                    if len(kept) == a.count:
                        break
        if len(kept) < a.count:
            sys.exit("only %d %s pictures found" % (len(kept), kind))
        for k, (pixels, prob, suit, near) in enumerate(kept):
            name = kind if a.count == 1 else "%s-%d" % (kind, k + 1)
            path = os.path.join(a.out, "synthetic-%s.dcm" % name)
            save(path, pixels, 12, name, kind + "-like")
            back, _ = dicom.read(path)
            again, _, suit = run(films.squash(Image.fromarray(back))[None, None])
            print("%s: %d bytes, try %d, p %.3f, nearest training film r %.2f, %s" % (
                path, os.path.getsize(path), attempt + 1, float(again), near,
                " ".join("%s %.2f" % c for c in zip(names, suit[0]))))
    r = np.random.default_rng(a.seed + 9)
    x = outliers.limb(r)
    pixels = np.clip(enlarge(x, 960, 960) + r.standard_normal((960, 960)) * 2, 0, 255)
    path = os.path.join(a.out, "synthetic-limb.dcm")
    save(path, pixels, 8, "limb", "limb, labelled CHEST to try the gate")
    back, _ = dicom.read(path)
    prob, _, suit = run(films.squash(Image.fromarray(back))[None, None])
    print("%s: %d bytes, p %.3f, %s" % (path, os.path.getsize(path), float(prob),
                                        " ".join("%s %.2f" % c for c in zip(names, suit[0]))))
    assert suit.max() > 1


if __name__ == "__main__":
    main()
