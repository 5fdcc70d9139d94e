"""Pictures that are no chest films, drawn by rule: for training and for
checking the input gate. No picture of others is used."""
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 224


def _norm(a, lo=0, hi=255):
    a = a - a.min()
    return a / max(a.max(), 1e-9) * (hi - lo) + lo


def _blur(a, sigma):
    return np.asarray(Image.fromarray(np.clip(a, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma)),
                      dtype=np.float32)


def spectrum(r, slope=None):
    """Noise whose power falls as 1/f^slope."""
    slope = r.uniform(0, 4) if slope is None else slope
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE)))
    f[0, 0] = 1
    z = np.fft.fft2(r.standard_normal((SIZE, SIZE))) / f ** (slope / 2)
    z[0, 0] = 0
    return np.fft.ifft2(z).real


def flat(r):
    a = np.full((SIZE, SIZE), r.choice([0, 255, int(r.integers(256))]), np.float32)
    if r.random() < 0.5:
        a += r.standard_normal(a.shape) * r.uniform(0, 4)
    return a


def gradient(r):
    y, x = np.mgrid[-1:1:SIZE * 1j, -1:1:SIZE * 1j]
    t = r.uniform(0, 2 * math.pi)
    a = x * math.cos(t) + y * math.sin(t)
    if r.random() < 0.5:
        a = np.hypot(x - r.uniform(-1, 1), y - r.uniform(-1, 1)) * r.choice([-1, 1])
    lo, hi = np.sort(r.uniform(0, 255, 2))
    return _norm(a, lo, max(hi, lo + 20)) + r.standard_normal(a.shape) * r.uniform(0, 3)


def noise(r):
    k = r.integers(4)
    if k == 0:
        return r.uniform(0, 255, (SIZE, SIZE))
    if k == 1:
        return 128 + r.standard_normal((SIZE, SIZE)) * r.uniform(10, 80)
    if k == 2:
        a = np.full((SIZE, SIZE), r.uniform(0, 255))
        m = r.random((SIZE, SIZE))
        p = r.uniform(0.05, 0.5)
        a[m < p] = 0
        a[m > 1 - p] = 255
        return a
    n = int(r.choice([4, 7, 14, 28, 56]))
    kind = Image.NEAREST if r.random() < 0.5 else Image.BICUBIC
    return np.asarray(Image.fromarray(r.integers(0, 256, (n, n), dtype=np.uint8)).resize((SIZE, SIZE), kind), float)


def cloud(r):
    return _norm(spectrum(r, r.uniform(0.5, 4)), r.uniform(0, 60), r.uniform(180, 255))


def scrambled(r, film):
    """The spectrum of a film with random phases."""
    p = np.exp(1j * np.angle(np.fft.fft2(r.standard_normal(film.shape))))
    a = np.fft.ifft2(np.abs(np.fft.fft2(film - film.mean())) * p).real
    return a / max(a.std(), 1e-6) * film.std() + film.mean()


def page(r):
    """Lines of writing."""
    dark = r.random() < 0.7
    im = Image.new("L", (SIZE * 2, SIZE * 2), 245 if dark else 10)
    d = ImageDraw.Draw(im)
    letters = "abcdefghijklmnopqrstuvwxyz       ABCDEFGH0123456789.,"
    y, step = int(r.integers(5, 60)), int(r.integers(12, 26))
    while y < SIZE * 2 - 20:
        if r.random() < 0.85:
            d.text((int(r.integers(10, 60)), y), "".join(r.choice(list(letters), int(r.integers(15, 70)))),
                   fill=20 if dark else 235)
        y += step
    if r.random() < 0.4:
        d.rectangle([40, 60, int(r.integers(100, 400)), int(r.integers(100, 400))], outline=90, width=3)
    return np.asarray(im.resize((SIZE, SIZE), Image.BILINEAR), float)


def scene(r):
    """A landscape-like colour picture, made grey: sky, hills, sun, trees, houses."""
    h = int(r.integers(60, 170))
    a = np.zeros((SIZE, SIZE, 3))
    top, low = r.uniform(60, 255, 3), r.uniform(60, 255, 3)
    a[:] = (top + (low - top) * np.linspace(0, 1, SIZE)[:, None, None])
    sky = spectrum(r, 3)
    a += (sky / sky.std() * r.uniform(2, 30))[..., None]
    x = np.arange(SIZE)
    for k in range(int(r.integers(1, 5))):
        ridge = h + k * 25 + sum(r.uniform(2, 25) / (j + 1) * np.sin(x / SIZE * 2 * math.pi * (j + 1) + r.uniform(0, 7))
                                 for j in range(4))
        tex = spectrum(r, r.uniform(0.8, 2.5))
        tex = tex / tex.std() * r.uniform(5, 35)
        m = np.arange(SIZE)[:, None] > ridge[None]
        a[m] = (r.uniform(10, 220, 3) + tex[..., None])[m]
    im = Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))
    d = ImageDraw.Draw(im)
    for _ in range(int(r.integers(0, 9))):
        c = tuple(int(v) for v in r.integers(0, 256, 3))
        px, py, w, q = int(r.integers(SIZE)), int(r.integers(SIZE)), int(r.integers(5, 60)), int(r.integers(5, 90))
        k = r.integers(4)
        if k == 0:
            d.ellipse([px - w, py - w, px + w, py + w], fill=c)
        elif k == 1:
            d.rectangle([px, py - q, px + w, py + 30], fill=c)
            for wy in range(py - q + 5, py + 25, 12):
                d.rectangle([px + w // 4, wy, px + w // 2, wy + 5], fill=tuple(255 - v for v in c))
        elif k == 2:
            d.line([px, py, px, py + q], fill=(60, 40, 20), width=max(2, w // 8))
            d.ellipse([px - w // 2, py - w, px + w // 2, py + w // 4], fill=c)
        else:
            d.polygon([px, py - q, px - w, py + 10, px + w, py + 10], fill=c)
    return np.asarray(im.convert("L").filter(ImageFilter.GaussianBlur(r.uniform(0, 1.2))), float)


def things(r):
    """Shaded shapes on a ground, as a photograph of objects or a face would be."""
    a = np.full((SIZE, SIZE), r.uniform(20, 235)) + gradient(r) * r.uniform(0, 0.5) - 60
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    face = r.random() < 0.3
    for k in range(int(r.integers(2, 14))):
        cx, cy = r.uniform(0, SIZE, 2)
        w, h = r.uniform(8, 90, 2)
        if face:
            cx, cy, w, h = ((112 + r.uniform(-20, 20), 115, 60, 80), (85, 95, 12, 7), (140, 95, 12, 7),
                            (112, 155, 25, 8), (112, 122, 8, 16))[min(k, 4)]
        t = r.uniform(0, math.pi) if not face else 0
        u = ((x - cx) * math.cos(t) + (y - cy) * math.sin(t)) / w
        v = (-(x - cx) * math.sin(t) + (y - cy) * math.cos(t)) / h
        p = r.choice([2, 2, 6, 20]) if not face else 2
        m = np.clip((1 - np.abs(u) ** p - np.abs(v) ** p) * r.uniform(2, 20), 0, 1)
        tone = r.uniform(0, 255) + r.uniform(-60, 60) * u + r.uniform(-60, 60) * v
        a = a * (1 - m) + tone * m
    tex = spectrum(r, r.uniform(0.5, 2))
    return _blur(np.clip(a + tex / tex.std() * r.uniform(0, 15), 0, 255), r.uniform(0.2, 1.5))


def slice_ct(r):
    """A cross-section: body or head, dark outside."""
    y, x = np.mgrid[-1:1:SIZE * 1j, -1:1:SIZE * 1j]
    t = r.uniform(-0.3, 0.3)
    x, y = x * math.cos(t) + y * math.sin(t) - r.uniform(-.1, .1), -x * math.sin(t) + y * math.cos(t) - r.uniform(-.1, .1)
    w, h = r.uniform(0.6, 0.97), r.uniform(0.5, 0.9)

    def disc(cx, cy, a, b, soft=0.06):
        d = np.sqrt(((x - cx) / a) ** 2 + ((y - cy) / b) ** 2)
        return np.clip((1 - d) / soft, 0, 1)

    air, soft = r.uniform(0, 40), r.uniform(80, 180)
    a = np.full((SIZE, SIZE), air)
    body = disc(0, 0, w, h)
    a = a * (1 - body) + (soft - 30) * body
    inner = disc(0, 0, w * .92, h * .9)
    a = a * (1 - inner) + soft * inner
    kind = r.integers(3)
    if kind == 0:  # chest
        for s in (-1, 1):
            m = disc(s * w * .45, -0.05, w * r.uniform(.28, .38), h * r.uniform(.5, .68), .1)
            a = a * (1 - m) + r.uniform(0, 50) * m
    elif kind == 1:  # head
        a = np.where(body > 0, soft, a)
        ring = body - disc(0, 0, w * .88, h * .9)
        a = a + np.clip(ring, 0, 1) * (250 - soft)
        m = disc(0, 0, w * .1, h * .3, .4)
        a = a - m * 40
    else:  # abdomen
        for _ in range(int(r.integers(3, 9))):
            m = disc(r.uniform(-.6, .6) * w, r.uniform(-.6, .6) * h, r.uniform(.08, .35), r.uniform(.08, .35), .15)
            a = a * (1 - m) + (soft + r.uniform(-50, 60)) * m
    if kind != 1:
        m = disc(0, h * .6, .13, .12, .2)
        a = a * (1 - m) + 240 * m
        for k in range(int(r.integers(6, 16))):
            q = r.uniform(0, 2 * math.pi)
            m = disc(w * .85 * math.cos(q), h * .83 * math.sin(q), .05, .03, .3)
            a = a * (1 - m) + 230 * m
    if r.random() < 0.5:
        m = (np.abs(y - h - .06 - .1 * x * x) < .015)
        a[m] = r.uniform(90, 200)
    tex = spectrum(r, r.uniform(0, 1.5))
    return a + tex / tex.std() * r.uniform(1, 14)


def limb(r):
    """Arm or leg: soft tissue with one or two long bones, joints, any angle."""
    y, x = np.mgrid[-1:1:SIZE * 1j, -1:1:SIZE * 1j]
    t = r.normal(0, 0.3) + (math.pi / 2 if r.random() < 0.3 else 0)
    u = x * math.cos(t) + y * math.sin(t) - r.uniform(-.15, .15)
    v = -x * math.sin(t) + y * math.cos(t)
    air, soft, bone = r.uniform(0, 60), r.uniform(70, 140), r.uniform(170, 255)
    squeeze = r.uniform(0.35, 1.6)
    w = squeeze * (r.uniform(.35, .6) * (1 + r.uniform(-.35, .35) * v + r.uniform(-.15, .15) * np.cos(3 * v)))
    prof = np.sqrt(np.clip(1 - (u / w) ** 2, 0, 1))
    a = air + (soft - air) * np.clip(prof * 1.4, 0, 1)
    n = int(r.integers(1, 3))
    joint = r.uniform(-1.4, 1.4)
    for k in range(n):
        off = 0 if n == 1 else (k - .5) * r.uniform(.25, .5) * squeeze
        bw = squeeze * r.uniform(.07, .16) * (1 + 1.2 * np.exp(-((np.abs(v - joint) - .12) / .22) ** 2))
        d = np.abs(u - off - r.uniform(-.05, .05) * v * v) / bw
        shaft = np.clip((1 - d) / .12, 0, 1)
        cortex = shaft * (0.55 + 0.45 * np.clip(d, 0, 1) ** 3)
        gap = 1 - np.exp(-((v - joint) / .035) ** 2)
        a = a + (bone - soft) * cortex * gap
    if r.random() < .3:
        a[np.abs(v) > r.uniform(.75, .95)] = air
    tex = spectrum(r, r.uniform(0, 1.5))
    return _blur(np.clip(a + tex / tex.std() * r.uniform(1, 7), 0, 255), r.uniform(.2, 1.2))


def hand(r):
    """A hand or foot: five rays of short bones."""
    y, x = np.mgrid[-1:1:SIZE * 1j, -1:1:SIZE * 1j]
    soft, bone = np.zeros_like(x), np.zeros_like(x)
    up = r.choice([-1, 1])

    def bar(store, x0, y0, x1, y1, w, v):
        q = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        d = np.hypot(x - x0 - q * (x1 - x0), y - y0 - q * (y1 - y0)) / w
        np.maximum(store, np.clip((1 - d) * 4, 0, 1) * v, out=store)

    for k in range(5):
        t = (k - 2) * r.uniform(.16, .26)
        px, py, l = math.sin(t) * .35, .2, r.uniform(.22, .34)
        for j in range(4):
            nx, ny = px + math.sin(t) * l, py - math.cos(t) * l
            bar(soft, px, up * py, nx, up * ny, .16, 1)
            bar(bone, px + .02 * math.sin(t), up * (py - .03), nx, up * (ny + .03), .06, 1)
            px, py, l = nx, ny, l * .75
    bar(soft, 0, up * .2, 0, up * 1.3, .35, 1)
    bar(bone, -.12, up * .45, -.12, up * 1.3, .1, 1)
    bar(bone, .14, up * .45, .14, up * 1.3, .08, 1)
    a = r.uniform(0, 40) + soft * r.uniform(50, 100) + bone * r.uniform(60, 120)
    tex = spectrum(r, 1)
    return _blur(np.clip(a + tex / tex.std() * r.uniform(1, 7), 0, 255), r.uniform(.4, 1.5))


def skull(r):
    """A head from the front or the side, or a pelvis-like ring."""
    y, x = np.mgrid[-1:1:SIZE * 1j, -1:1:SIZE * 1j]
    w, h = r.uniform(.55, .9), r.uniform(.6, .95)
    d = np.sqrt((x / w) ** 2 + ((y + .1) / h) ** 2)
    a = r.uniform(0, 30) + np.clip((1 - d) / .05, 0, 1) * r.uniform(80, 140) + np.exp(-((d - .93) / .05) ** 2) * 90
    for _ in range(int(r.integers(2, 7))):
        cx, cy, q = r.uniform(-.5, .5), r.uniform(-.2, .7), r.uniform(.08, .25)
        e = np.hypot(x - cx, (y - cy) * r.uniform(.7, 1.4)) / q
        a += np.exp(-((e - 1) / .2) ** 2) * r.uniform(20, 60) - np.clip(1 - e, 0, 1) * r.uniform(0, 60)
    tex = spectrum(r, 2)
    return _blur(np.clip(a + tex / tex.std() * r.uniform(3, 15), 0, 255), r.uniform(.4, 1.5))


def jigsaw(r, film):
    n = int(r.choice([2, 3, 4]))
    s = SIZE // n
    parts = [film[i * s:(i + 1) * s, j * s:(j + 1) * s] for i in range(n) for j in range(n)]
    order = r.permutation(len(parts))
    while np.mean(order == np.arange(len(parts))) > .3:
        order = r.permutation(len(parts))
    a = np.zeros((SIZE, SIZE)) + film.mean()
    for k, o in enumerate(order):
        a[k // n * s:(k // n + 1) * s, k % n * s:(k % n + 1) * s] = parts[o]
    return a


def part(r, film):
    """A small piece of a film, much enlarged."""
    s = int(r.integers(30, 80))
    i, j = r.integers(0, SIZE - s, 2)
    return np.asarray(Image.fromarray(film[i:i + s, j:j + s].astype(np.uint8)).resize((SIZE, SIZE), Image.BICUBIC), float)


def sheet(r, film, other):
    """Several films on one sheet."""
    a = np.zeros((SIZE, SIZE))
    n = int(r.integers(2, 4))
    s = SIZE // n
    for k in range(n * n):
        f = film if r.random() < .5 else other
        a[k // n * s:(k // n + 1) * s, k % n * s:(k % n + 1) * s] = np.asarray(
            Image.fromarray(f.astype(np.uint8)).resize((s, s), Image.BILINEAR))
    return a


def checks(r):
    """Kept out of training: stripes, checks, rings."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    n, k = int(r.integers(4, 60)), r.integers(4)
    a = ((x // n + y // n) % 2, (x // n) % 2, (np.hypot(x - 112, y - 112) // n) % 2, (y // n) % 2)[k]
    lo, hi = np.sort(r.uniform(0, 255, 2))
    return lo + a * max(hi - lo, 30)


def plant(r):
    """Kept out of training: branching lines, as trees, rivers or vessels."""
    im = Image.new("L", (SIZE, SIZE), int(r.integers(256)))
    d = ImageDraw.Draw(im)
    c = int(r.integers(256))

    def grow(x, y, t, l, w):
        if l < 4:
            return
        nx, ny = x + l * math.cos(t), y + l * math.sin(t)
        d.line([x, y, nx, ny], fill=c, width=max(1, int(w)))
        for s in (-1, 1):
            grow(nx, ny, t + s * r.uniform(.2, .8), l * r.uniform(.6, .85), w * .7)

    grow(112, 220, -math.pi / 2, r.uniform(25, 55), 8)
    return np.asarray(im.filter(ImageFilter.GaussianBlur(r.uniform(.3, 2))), float)


ALONE = {"flat": flat, "gradient": gradient, "noise": noise, "cloud": cloud, "page": page, "scene": scene,
         "things": things, "ct slice": slice_ct, "limb": limb, "hand": hand, "skull": skull}
FROM_FILM = {"scrambled": scrambled, "jigsaw": jigsaw, "part": part}
UNSEEN = {"checks": checks, "plant": plant}
WEIGHT = {"flat": 1, "gradient": 1, "noise": 2, "cloud": 2, "page": 1, "scene": 3, "things": 3, "ct slice": 3,
          "limb": 4, "hand": 2, "skull": 2, "scrambled": 2, "jigsaw": 2, "part": 1, "sheet": 1}


def draw(kind, r, films=None):
    """One picture of a kind, 224x224 uint8. `films`: numpy [N,224,224]."""
    if kind in ALONE:
        a = ALONE[kind](r)
    elif kind in UNSEEN:
        a = UNSEEN[kind](r)
    else:
        f = films[r.integers(len(films))].astype(float)
        a = sheet(r, f, films[r.integers(len(films))].astype(float)) if kind == "sheet" else FROM_FILM[kind](r, f)
    a = np.clip(np.asarray(a, float), 0, 255)
    if kind not in ("flat", "page") and r.random() < 0.25:
        a = 255 - a
    return np.round(a).astype(np.uint8)


def many(n, seed, films, kinds=None):
    r = np.random.default_rng(seed)
    names = list(kinds or WEIGHT)
    w = np.array([WEIGHT.get(k, 1) for k in names], float)
    pick = r.choice(len(names), n, p=w / w.sum())
    return np.stack([draw(names[k], r, films) for k in pick]), [names[k] for k in pick]
