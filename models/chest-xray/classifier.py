"""Training of one classifier."""
import copy
import time

import numpy as np
import torch
import torch.nn.functional as F

import films
import nets


def auc(score, truth):
    """Area under the ROC curve, ties counted half."""
    score, truth = np.asarray(score, float), np.asarray(truth) > 0.5
    order = np.argsort(score, kind="mergesort")
    s = score[order]
    rank = np.empty(len(s))
    start = np.r_[0, np.flatnonzero(s[1:] != s[:-1]) + 1, len(s)]
    for a, b in zip(start[:-1], start[1:]):
        rank[order[a:b]] = (a + b + 1) / 2
    n1, n0 = truth.sum(), (~truth).sum()
    return (rank[truth].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)


@torch.no_grad()
def logits(net, x, batch=64):
    net.eval()
    return torch.cat([net(x[i:i + batch].float())[0][:, 0] for i in range(0, len(x), batch)])


def stressed(x, seed=5):
    """The same films, each changed once at random: what validation is also
    read on, since the plain validation films are soon all answered right."""
    g = torch.Generator().manual_seed(seed)
    return torch.cat([films.augment(x[i:i + 64], g, mirror=0.0) for i in range(0, len(x), 64)])


def train(data, val, seed, epochs, batch=64, peak=3e-3, log=print):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    net = nets.ChestNet().to(memory_format=torch.channels_last)
    shadow = copy.deepcopy(net)
    plain = [p for p in net.parameters() if p.ndim < 2]
    heavy = [p for p in net.parameters() if p.ndim >= 2]
    opt = torch.optim.AdamW([{"params": heavy, "weight_decay": 0.05},
                             {"params": plain, "weight_decay": 0.0}], lr=peak)
    weight = torch.where(data.y > 0.5, 0.5 / data.y.sum(), 0.5 / (1 - data.y).sum())
    steps = len(data) // batch
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, peak, total_steps=epochs * steps, pct_start=0.15,
                                               div_factor=10, final_div_factor=200)
    hard = stressed(val.x)
    began, done = time.time(), 0
    for epoch in range(epochs):
        net.train()
        order = torch.multinomial(weight, steps * batch, replacement=True, generator=g)
        total = 0.0
        for s in range(steps):
            i = order[s * batch:(s + 1) * batch]
            x = films.augment(data.x[i], g).contiguous(memory_format=torch.channels_last)
            y, v = data.y[i], data.virus[i]
            with torch.autocast("cpu", torch.bfloat16):
                a, b = net(x)
            a, b = a.float()[:, 0], b.float()[:, 0]
            loss = F.binary_cross_entropy_with_logits(a, y * 0.9 + 0.05)
            loss = loss + 0.2 * (F.binary_cross_entropy_with_logits(b, v * 0.8 + 0.1, reduction="none") * y).mean()
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            opt.step()
            plan.step()
            done += 1
            keep = min(0.998, (1 + done) / (10 + done))
            with torch.no_grad():
                for p, q in zip(shadow.state_dict().values(), net.state_dict().values()):
                    if p.dtype.is_floating_point:
                        p.lerp_(q, 1 - keep)
                    else:
                        p.copy_(q)
            total += loss.item()
        line = "seed %d epoch %2d/%d loss %.4f %4.0f s" % (seed, epoch + 1, epochs, total / steps, time.time() - began)
        if epoch % 4 == 3 or epoch == epochs - 1:
            a, h = logits(shadow, val.x), logits(shadow, hard)
            line += "  val auc %.4f loss %.4f  stressed val auc %.4f" % (
                auc(a, val.y), F.binary_cross_entropy_with_logits(a, val.y).item(), auc(h, val.y))
        log(line)
    return shadow.eval()
