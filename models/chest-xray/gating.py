"""Training and fitting of the input gate."""
import copy
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import films
import nets
import outliers


def small(x, batch=256):
    """uint8 or float [N,1,224,224] to [N,1,56,56]."""
    return torch.cat([nets.shrink(x[i:i + batch].float()) for i in range(0, len(x), batch)])


def bank(x, seed, copies):
    """Mildly changed copies of films, made small."""
    g = torch.Generator().manual_seed(seed)
    out = []
    for _ in range(copies):
        order = torch.randperm(len(x), generator=g)
        for i in range(0, len(x), 64):
            out.append(nets.shrink(films.augment(x[order[i:i + 64]], g, lo=0.74, hi=1.1, turn=9.0, mirror=0.0)))
    return torch.cat(out)


def _jitter(x, g):
    n = x.shape[0]
    u = lambda lo, hi: torch.rand(n, 1, 1, 1, generator=g) * (hi - lo) + lo
    x = (x / 255).clamp(1e-3, 1) ** torch.exp(u(-0.3, 0.3)) * 255
    return x + torch.randn(x.shape, generator=g) * u(0, 6)


def train(data, seed, steps=1500, others=8000, copies=2, log=print):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    began = time.time()
    good = torch.cat([small(data.x), bank(data.x, seed, copies)])
    log("gate: %d film pictures, %.0f s" % (len(good), time.time() - began))
    other, _ = outliers.many(others, seed, data.x[:, 0].numpy())
    other = small(torch.from_numpy(other)[:, None])
    log("gate: %d other pictures, %.0f s" % (len(other), time.time() - began))
    net = nets.GateNet().to(memory_format=torch.channels_last)
    shadow = copy.deepcopy(net)
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=steps, pct_start=0.15)
    label = torch.cat([torch.full((n,), k) for n, k in ((64, 0), (24, 1), (32, 2), (56, 3))])
    for step in range(steps):
        take = lambda x, n: x[torch.randint(len(x), (n,), generator=g)]
        turned = take(good, 40)
        turned = torch.cat([torch.rot90(turned[a:b], k, (2, 3)) for a, b, k in ((0, 10, 1), (10, 20, 3), (20, 40, 2))])
        odd = torch.cat([take(other, 48), 255 - turned[:8]])  # turned and inverted: something else
        x = torch.cat([take(good, 64), 255 - take(good, 24), turned[8:], odd])
        x, _ = nets.standardise(_jitter(x, g))
        with torch.autocast("cpu", torch.bfloat16):
            z = net(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(z.float(), label, label_smoothing=0.01)
        opt.zero_grad()
        loss.backward()
        opt.step()
        plan.step()
        with torch.no_grad():
            for p, q in zip(shadow.state_dict().values(), net.state_dict().values()):
                p.lerp_(q, 0.01) if p.dtype.is_floating_point else p.copy_(q)
        if step % 250 == 249:
            log("gate: step %d/%d loss %.4f %.0f s" % (step + 1, steps, loss.item(), time.time() - began))
    return shadow.to(memory_format=torch.contiguous_format).eval(), good


@torch.no_grad()
def raw(whole, x, batch=64):
    return torch.cat([whole.raw(x[i:i + batch].float()) for i in range(0, len(x), batch)])


@torch.no_grad()
def fit(whole, data, good, seed):
    """Principal components, and centres and spread in feature space."""
    torch.manual_seed(seed)
    x, _ = nets.standardise(good[:2 * len(data)])  # the films and one changed copy of each
    x = x.reshape(len(x), -1)
    whole.pca_mean.copy_(x.mean(0))
    _, _, v = torch.pca_lowrank(x, q=whole.pca.shape[1] + 8, center=True, niter=3)
    whole.pca.copy_(v[:, :whole.pca.shape[1]])
    f = []
    for i in range(0, len(data), 64):
        s, _ = nets.standardise(data.x[i:i + 64].float())
        s = s.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            maps = whole.features(s)
        f.append(torch.cat([m.float().mean((2, 3)) for m in maps], 1))
    f = torch.cat(f).double()
    y = data.y > 0.5
    centre = torch.stack([f[~y].mean(0), f[y].mean(0)])
    d = f - centre[y.long()]
    cov = d.t() @ d / len(d)
    cov = 0.8 * cov + 0.2 * torch.diag(torch.diag(cov)) + 1e-3 * torch.diag(cov).mean() * torch.eye(len(cov)).double()
    l = torch.linalg.cholesky(torch.linalg.inv(cov))
    whole.centre.copy_(centre.float())
    whole.whiten.copy_(l.float())


def cropped(x, seed):
    """Films with up to 40 % of their width and 30 % of their height cut away at random."""
    r = np.random.default_rng(seed)
    out = []
    for f in x[:, 0].numpy():
        w, h = 224 * r.uniform(0.6, 1.0), 224 * r.uniform(0.7, 1.0)
        left, top = (224 - w) * r.uniform(0.3, 0.7), (224 - h) * r.uniform(0.3, 0.7)
        out.append(np.asarray(Image.fromarray(f).resize((224, 224), Image.BILINEAR, box=(left, top, left + w, top + h))))
    return torch.from_numpy(np.stack(out))[:, None]


def limits(whole, good, cut, bad, refuse=0.015, refuse_cut=0.03, log=print):
    """Limits so that of the validation films at most the share `refuse`, and
    of the same films cropped at random at most `refuse_cut`, are refused, all
    checks together. `good`, `cut`: raw figures of those films; `bad`: of the
    gate's three classes of unsuitable pictures."""
    both = torch.cat([good, cut])
    g = both.numpy()
    lo, hi = g[:, 0].min(), g[:, 0].max()
    whole.contrast.copy_(torch.tensor([lo * 0.6, hi * 1.25]))
    lo, hi = g[:, 1].min(), g[:, 1].max()
    whole.detail.copy_(torch.tensor([(lo + hi) / 2, (hi - lo) / 2 + 0.5]))
    for a in np.linspace(0.02, 0.0, 41):
        q = np.quantile(g[:, 2:], 1 - a, axis=0)
        whole.residual.fill_(float(q[0]) * 1.02)
        whole.distance.fill_(float(q[1]) * 1.02)
        t = [max(float(q[2 + k]) + 0.3, min(-0.5, float(np.quantile(bad[name][:, 4 + k], 0.01)) - 1.0))
             for k, name in enumerate(("inverted", "turned", "other"))]
        whole.margin.copy_(torch.tensor(t))
        rate, rate_cut = [(whole.checks(r) > 1).any(1).float().mean().item() for r in (good, cut)]
        if rate <= refuse and rate_cut <= refuse_cut:
            break
    log("gate: limits at quantile %.4f; refused: %.2f %% of validation films, %.2f %% of them cropped" % (
        1 - a, 100 * rate, 100 * rate_cut))
    log("gate: residual %.4f distance %.3f margins %s contrast %s detail %s" % (
        whole.residual, whole.distance, whole.margin.tolist(), whole.contrast.tolist(), whole.detail.tolist()))
