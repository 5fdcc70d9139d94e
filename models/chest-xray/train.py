#!/usr/bin/python3
"""Train the chest film classifier and its input gate, and write the ONNX file.

    /usr/bin/python3 train.py --data ../shared/data/chest-xray --out .

Needs Debian's python3-torch, python3-numpy, python3-pil and, for the export,
nothing more. Two idle cores take about half an hour. Seeds are fixed; two runs agree
as far as the order of floating-point sums on the machine does.

Only the parts `train` and `val` of the data are read. Calibration, threshold
and gate limits are fixed on `val`; the part `test` is for evaluate.py.
"""
import argparse
import hashlib
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import classifier  # noqa: E402
import films  # noqa: E402
import gating  # noqa: E402
import graph  # noqa: E402
import nets  # noqa: E402
import outliers  # noqa: E402

CREDIT = ("Chest X-ray images: Kermany, Zhang, Goldbaum (2018), Mendeley Data, doi:10.17632/rscbjbr9sj, CC BY 4.0. "
          "Changes: resized to 224x224, re-encoded as grey JPEG by third parties; new train/validation/test split; "
          "some films wrapped as DICOM with invented identifiers.")


SENSITIVITY = 0.96  # asked for on validation films, plain and changed together


def log(text):
    print(text, flush=True)


def platt(z, y):
    """Slope and offset of the logit that minimise the log loss (Newton)."""
    z, y = z.double(), y.double()
    p1, p0 = (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2)
    y = y * p1 + (1 - y) * p0
    x = torch.stack([z, torch.ones_like(z)], 1)
    w = torch.tensor([1.0, 0.0]).double()
    for _ in range(50):
        p = torch.sigmoid(x @ w)
        h = x.t() @ (x * (p * (1 - p))[:, None]) + 1e-6 * torch.eye(2).double()
        w = w + torch.linalg.solve(h, x.t() @ (y - p))
    return w.float()


def operating_point(p, y, sensitivity):
    """The highest threshold that still finds this share of the sick films."""
    sick = np.sort(p[y > 0.5])
    k = int(np.floor((1 - sensitivity) * len(sick)))
    return float((sick[k - 1] + sick[k]) / 2)


@torch.no_grad()
def answers(whole, x, batch=64):
    z, top = [], []
    for i in range(0, len(x), batch):
        s, _ = nets.standardise(x[i:i + batch].float())
        a, place = whole.logit(whole.features(s))
        z.append(a[:, 0])
        top.append(place.flatten(1))
    return torch.cat(z), torch.cat(top)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.path.join(HERE, "../../../shared/data/chest-xray"),
                   help="folder with manifest.csv and img224/")
    p.add_argument("--out", default=HERE, help="folder for chest-xray.onnx and model.json")
    p.add_argument("--seeds", default="1,2", help="one classifier per seed; their answers are averaged")
    p.add_argument("--epochs", type=int, default=22)
    p.add_argument("--keep", help="folder in which trained weights are kept and found again")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    began = time.time()
    data, val = films.Split(a.data, "train"), films.Split(a.data, "val")
    assert not set(data.patients) & set(val.patients)
    log("%d films to train on, %d to validate, read in %.0f s" % (len(data), len(val), time.time() - began))

    found = []
    for seed in [int(s) for s in a.seeds.split(",")]:
        kept = a.keep and os.path.join(a.keep, "seed%d.pt" % seed)
        if kept and os.path.exists(kept):
            net = nets.ChestNet()
            net.load_state_dict(torch.load(kept))
            net.eval()
        else:
            net = classifier.train(data, val, seed, a.epochs, log=log)
            if kept:
                os.makedirs(a.keep, exist_ok=True)
                torch.save(net.state_dict(), kept)
        found.append(net.to(memory_format=torch.contiguous_format))

    kept = a.keep and os.path.join(a.keep, "gate.pt")
    if kept and os.path.exists(kept):
        gate, good = nets.GateNet(), None
        state, good = torch.load(kept)
        gate.load_state_dict(state)
        gate.eval()
    else:
        gate, good = gating.train(data, 11, log=log)
        if kept:
            torch.save((gate.state_dict(), good), kept)
    whole = graph.Whole(found, gate).eval()
    gating.fit(whole, data, good, 12)
    log("principal components and feature centres fitted, %.0f s" % (time.time() - began))

    # Calibration and operating point: validation films as they are and each
    # once changed at random, since films from elsewhere are less well behaved.
    z, place = answers(whole, val.x)
    zc, _ = answers(whole, classifier.stressed(val.x))
    w = platt(torch.cat([z, zc]), torch.cat([val.y, val.y]))
    whole.slope.fill_(float(w[0]))
    whole.offset.fill_(float(w[1]))
    prob = torch.sigmoid(z * w[0] + w[1]).numpy()
    both = torch.sigmoid(torch.cat([z, zc]) * w[0] + w[1]).numpy()
    threshold = round(operating_point(both, torch.cat([val.y, val.y]).numpy(), SENSITIVITY), 4)
    # heat map: every place against the middle of the two classes at that place
    sick = place[val.y > 0.5].mean(0)
    well = place[val.y < 0.5].mean(0)
    whole.usual.copy_((0.6 * sick + 0.4 * well).reshape(1, 1, 14, 14))
    whole.sharp.fill_(4.0 / float((sick - well).mean()))
    log("validation: auc %.4f, log loss %.4f, slope %.3f offset %.3f, threshold %.4f" % (
        classifier.auc(prob, val.y), F.binary_cross_entropy(torch.tensor(prob), val.y).item(), w[0], w[1], threshold))
    called = prob >= threshold
    sick = val.y.numpy() > 0.5
    log("validation: sensitivity %.4f specificity %.4f accuracy %.4f" % (
        called[sick].mean(), 1 - called[~sick].mean(), (called == sick).mean()))

    fine = gating.raw(whole, val.x)
    turned = torch.cat([torch.rot90(val.x[i::3], k, (2, 3)) for i, k in enumerate((1, 2, 3))])
    other = torch.from_numpy(outliers.many(600, 77, val.x[:, 0].numpy())[0])[:, None]
    bad = {"inverted": gating.raw(whole, 255 - val.x).numpy(), "turned": gating.raw(whole, turned).numpy(),
           "other": gating.raw(whole, other).numpy()}
    cut = gating.raw(whole, gating.cropped(val.x, 78))
    gating.limits(whole, fine, cut, bad, log=log)
    for name, r in [("val", fine.numpy()), ("cropped", cut.numpy())] + list(bad.items()):
        c = whole.checks(torch.as_tensor(r)) > 1
        log("  %-9s refused %.4f; by check %s" % (name, c.any(1).float().mean(),
            " ".join("%s %.3f" % (n[0], v) for n, v in zip(graph.COLUMNS, c.float().mean(0)))))

    os.makedirs(a.out, exist_ok=True)
    path = os.path.join(a.out, "chest-xray.onnx")
    graph.export(whole, path)
    blob = open(path, "rb").read()
    side = 28
    about = {
        "name": "chest-xray", "version": "1.0.0", "file": "chest-xray.onnx",
        "sha256": hashlib.sha256(blob).hexdigest(),
        "input": {"name": "image", "datatype": "FP32", "shape": [-1, 1, 224, 224], "range": "0..255 grey, bone bright",
                  "resize": "whole film squashed to 224x224, triangle filter with antialiasing "
                            "(equals Pillow BILINEAR reducing)"},
        "outputs": [{"name": "pneumonia", "datatype": "FP32", "shape": [-1, 1]},
                    {"name": "heatmap", "datatype": "FP32", "shape": [-1, 1, side, side]},
                    {"name": "suitability", "datatype": "FP32", "shape": [-1, len(graph.COLUMNS)]}],
        "finding": {"code": "pneumonia", "display": "Pneumonia", "threshold": threshold},
        "suitability": [{"name": n, "reason": r} for n, r in graph.COLUMNS],
        "population": "children's chest films, front view",
        "credit": CREDIT,
        "licence": "CC BY 4.0 (data); https://creativecommons.org/licenses/by/4.0/",
        "use": "not for clinical use",
    }
    with open(os.path.join(a.out, "model.json"), "w") as f:
        json.dump(about, f, indent=2)
        f.write("\n")
    log("%s: %d bytes, sha256 %s, %.0f s in all" % (path, len(blob), about["sha256"], time.time() - began))


if __name__ == "__main__":
    main()
