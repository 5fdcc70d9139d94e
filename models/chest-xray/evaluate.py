#!/usr/bin/python3
"""Measure the exported model: figures with 95 % intervals.

    /usr/bin/python3 evaluate.py --data ../shared/data/chest-xray [--dicom DIR]

Counts have Wilson intervals. The area under the curve and the Brier score
have bootstrap intervals, drawn by patient, so several films of one child do
not count as several children.
"""
import argparse
import csv
import glob
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
from classifier import auc, stressed  # noqa: E402
from runner import Runner  # noqa: E402

DRAWS = 2000


def wilson(k, n):
    if n == 0:
        return float("nan"), float("nan")
    z, p = 1.959964, k / n
    mid, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (mid - half) / (1 + z * z / n), (mid + half) / (1 + z * z / n)


def share(k, n):
    lo, hi = wilson(k, n)
    return "%.3f (%.3f to %.3f; %d of %d)" % (k / max(n, 1), lo, hi, k, n)


def by_patient(patients, figure, seed=1):
    """95 % interval of figure(index), patients drawn with replacement."""
    r = np.random.default_rng(seed)
    groups = {}
    for i, p in enumerate(patients):
        groups.setdefault(p, []).append(i)
    groups = [np.array(g) for g in groups.values()]
    out = []
    for _ in range(DRAWS):
        out.append(figure(np.concatenate([groups[k] for k in r.integers(len(groups), size=len(groups))])))
    return np.quantile(out, 0.025), np.quantile(out, 0.975)


def report(name, p, y, patients, threshold, full=True):
    y = np.asarray(y) > 0.5
    called = p >= threshold
    a = auc(p, y)
    lo, hi = by_patient(patients, lambda i: auc(p[i], y[i]))
    print("%s: %d films, %d patients, %d with pneumonia" % (name, len(y), len(set(patients)), y.sum()))
    print("  AUC          %.4f (%.4f to %.4f)" % (a, lo, hi))
    print("  accuracy     " + share((called == y).sum(), len(y)))
    print("  sensitivity  " + share(called[y].sum(), y.sum()))
    print("  specificity  " + share((~called[~y]).sum(), (~y).sum()))
    figures = {"films": len(y), "auc": a, "auc95": [lo, hi], "accuracy": float((called == y).mean()),
               "sensitivity": float(called[y].mean()), "specificity": float((~called[~y]).mean())}
    if full:
        lo, hi = by_patient(patients, lambda i: np.mean((p[i] - y[i]) ** 2))
        edges = np.clip((p * 10).astype(int), 0, 9)
        ece = sum(abs(p[edges == k].mean() - y[edges == k].mean()) * (edges == k).mean()
                  for k in range(10) if (edges == k).any())
        print("  Brier score  %.4f (%.4f to %.4f), calibration error (10 bins) %.3f" % (
            np.mean((p - y) ** 2), lo, hi, ece))
        figures.update(brier=float(np.mean((p - y) ** 2)), calibration_error=float(ece))
    return figures


def crop_to(x, aspect, target):
    """224x224 copies of films of known shape, cut centrally to one shape."""
    out = []
    for a, r in zip(x, aspect):
        w, h = (224 * target / r, 224.0) if r > target else (224.0, 224 * r / target)
        box = ((224 - w) / 2, (224 - h) / 2, (224 + w) / 2, (224 + h) / 2)
        out.append(np.asarray(Image.fromarray(a).resize((224, 224), Image.BILINEAR, box=box)))
    return np.stack(out)


def cut(a, target):
    """A film at its own resolution, cut centrally to one shape."""
    w, h = a.size
    nw, nh = (h * target, h) if w / h > target else (w, w / target)
    return a.crop((round((w - nw) / 2), round((h - nh) / 2), round((w + nw) / 2), round((h + nh) / 2)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.path.join(HERE, "../../../shared/data/chest-xray"))
    p.add_argument("--dicom", default=os.path.join(HERE, "../../../shared/data/dicom"), help="DICOM test files of others")
    p.add_argument("--model", default=HERE)
    p.add_argument("--only-val", action="store_true", help="leave the test part alone")
    p.add_argument("--json", help="write the figures here too")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    about = json.load(open(os.path.join(a.model, "model.json")))
    run = Runner(os.path.join(a.model, about["file"]))
    t = about["finding"]["threshold"]
    names = [c["name"] for c in about["suitability"]]
    print("%s %s, run through %s, threshold %.4f" % (about["file"], about["sha256"][:16], run.kind, t))
    result = {}

    def ask(x):
        prob, heat, suit = run(np.asarray(x).reshape(-1, 1, 224, 224))
        assert np.isfinite(prob).all() and np.isfinite(heat).all() and np.isfinite(suit).all()
        return prob[:, 0], suit

    def refused(name, x):
        prob, suit = ask(x)
        bad = (suit > 1).any(1)
        each = ", ".join("%s %.0f %%" % (n, 100 * v) for n, v in zip(names, (suit > 1).mean(0)) if v > 0)
        print("  %-34s %s  [%s]" % (name, share(bad.sum(), len(bad)), each))
        result["refused " + name] = float(bad.mean())
        return prob, suit

    parts = {}
    for split in ("val",) if a.only_val else ("val", "test"):
        d = films.Split(a.data, split)
        parts[split] = d
        prob, suit = ask(d.x.numpy())
        result[split] = report(split, prob, d.y.numpy(), d.patients, t)
        print("  good films refused " + share((suit > 1).any(1).sum(), len(suit)))
        fit = ~(suit > 1).any(1)
        if not fit.all():
            result[split + " fit"] = report("%s, without the refused" % split, prob[fit], d.y.numpy()[fit],
                                            [q for q, f in zip(d.patients, fit) if f], t, False)
        hard = np.clip(stressed(d.x).numpy(), 0, 255)
        result[split + " stressed"] = report("%s, each film stretched, cropped, blurred at random" % split,
                                             ask(hard)[0], d.y.numpy(), d.patients, t, False)
        inner = np.stack([np.asarray(Image.fromarray(f).resize((224, 224), Image.BILINEAR, box=(17, 17, 207, 207)))
                          for f in d.x[:, 0].numpy()])
        result[split + " inner"] = report("%s, inner 85 %% of width and height" % split, ask(inner)[0], d.y.numpy(),
                                          d.patients, t, False)
        result[split + " mirrored"] = report("%s, mirrored" % split, ask(d.x.flip(3).numpy())[0], d.y.numpy(),
                                             d.patients, t, False)

    print("\nFilms cropped to one shape")
    v = parts["val"]
    known = ~np.isnan(v.aspect)
    kx, ky, ka = v.x[:, 0].numpy()[known], v.y.numpy()[known], v.aspect[known]
    kp = [q for q, f in zip(v.patients, known) if f]
    print("  width/height alone: AUC %.4f" % auc(ka, ky))
    result["known shape"] = report("val films of known shape, whole", ask(kx)[0], ky, kp, t, False)
    for target in (1.0, 1.2, 1.35):
        x = crop_to(kx, ka, target)
        result["crop %.2f" % target] = report("the same cropped to width/height %.2f" % target, ask(x)[0], ky, kp, t, False)
        refused("  refused at this shape", x)

    print("\nFilms at their original resolution")
    whole, copies, truth, patients, cuts = [], [], [], [], []
    with open(os.path.join(a.data, "manifest.csv"), newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["kind"] == "original resolution"
                and (not a.only_val or r["split"] == "val")]
    for r in rows:
        im = Image.open(os.path.join(a.data, r["file"])).convert("L")
        whole.append(films.squash(im))
        cuts.append(films.squash(cut(im, 1.2)))
        copies.append(films.read(os.path.join(a.data, r["file"].replace("full/", "img224/"))))
        truth.append(r["label"] == "PNEUMONIA")
        patients.append(r["patient_id"])
    truth = np.array(truth)
    pw, sw = ask(np.stack(whole))
    pc, sc = ask(np.stack(copies))
    report("original resolution", pw, truth, patients, t, False)
    report("original resolution, cropped to width/height 1.20", ask(np.stack(cuts))[0], truth, patients, t, False)
    print("  same answer as the 224x224 copy " + share(((pw >= t) == (pc >= t)).sum(), len(pw)))
    print("  same suitability as the copy    " + share(((sw > 1).any(1) == (sc > 1).any(1)).sum(), len(pw)))
    print("  largest difference of probability %.3f, mean %.4f" % (np.abs(pw - pc).max(), np.abs(pw - pc).mean()))
    print("  refused " + share((sw > 1).any(1).sum(), len(pw)))
    for path in sorted(glob.glob(os.path.join(a.data, "dicom", "*.dcm"))):
        try:
            pixels, _ = dicom.read(path)
        except ValueError as e:
            print("  %-44s not read here (%s)" % (os.path.basename(path), e))
            continue
        q, s = ask(films.squash(Image.fromarray(pixels)))
        print("  %-44s %.3f %s%s" % (os.path.basename(path), q[0], "pneumonia" if q[0] >= t else "normal",
                                     ", refused" if (s > 1).any() else ""))

    print("\nThe input gate: share refused")
    base = parts["val" if a.only_val else "test"].x[:, 0].numpy()
    refused("good films", base)
    flats = [np.full((224, 224), g, np.uint8) for g in (0, 255, 1, 64, 128, 254)]
    refused("black, white, one grey", np.stack(flats))
    refused("inverted films", 255 - base)
    for k in (1, 2, 3):
        refused("films turned by %d" % (90 * k), np.rot90(base, k, (1, 2)))
    for kind in list(outliers.WEIGHT) + list(outliers.UNSEEN):
        r = np.random.default_rng(4242)
        refused(("drawn, kept out of training: " if kind in outliers.UNSEEN else "drawn: ") + kind,
                np.stack([outliers.draw(kind, r, base) for _ in range(200)]))
    real, who = [], []
    for path in sorted(glob.glob(os.path.join(a.dicom, "*.dcm"))):
        for window in (True, False):
            try:
                pixels, head = dicom.read(path, window)
            except Exception:
                continue
            x = films.squash(Image.fromarray(pixels))
            if window or (x != real[-1]).any():
                real.append(x)
                who.append("%s, %s %s%s" % (os.path.basename(path)[:40], head["modality"], head["part"],
                                            "" if window else " (whole range)"))
    if real:
        prob, suit = ask(np.stack(real))
        print("DICOM files that are no films of a child's chest (pictures alone, header not looked at)")
        for w, q, s in zip(who, prob, suit):
            print("  %-64s %s" % (w[:64], "refused: " + ", ".join(n for n, z in zip(names, s) if z > 1)
                                  if (s > 1).any() else "NOT REFUSED, p %.3f" % q))
    print("Adults")
    for path in sorted(glob.glob(os.path.join(a.data, "adult-nih", "*.png"))):
        q, s = ask(films.read(path))
        print("  %-30s p %.3f, %s" % (os.path.basename(path), q[0], "refused: " + ", ".join(
            n for n, z in zip(names, s[0]) if z > 1) if (s > 1).any() else "not refused by the picture"))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
