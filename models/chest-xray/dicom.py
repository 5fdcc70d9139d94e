"""Just enough DICOM to read the plain test files and to write the samples."""
import hashlib
import io
import struct

import numpy as np
from PIL import Image

LONG = {b"OB", b"OW", b"OF", b"OD", b"SQ", b"UT", b"UN", b"UC", b"UR"}


def _element(b, at, explicit, e):
    group, element = struct.unpack_from(e + "HH", b, at)
    if group == 0xFFFE or not explicit:
        return group, element, b"", struct.unpack_from(e + "I", b, at + 4)[0], at + 8
    vr = bytes(b[at + 4:at + 6])
    if vr in LONG:
        return group, element, vr, struct.unpack_from(e + "I", b, at + 8)[0], at + 12
    return group, element, vr, struct.unpack_from(e + "H", b, at + 6)[0], at + 8


def _walk(b, at, explicit, e, until=None, end=None, keep=None):
    """Read elements; sequences are stepped over."""
    while at + 8 <= (end or len(b)):
        group, element, vr, length, body = _element(b, at, explicit, e)
        if until and (group, element) == until:
            return body
        if group == 0xFFFE and element in (0xE00D, 0xE0DD):
            at = body
            continue
        if (group, element) == (0x7FE0, 0x10):
            keep["pixels"] = (body, length)
            return body
        if length == 0xFFFFFFFF:
            at = body
            while True:
                g, el, _, l, inner = _element(b, at, False, e)
                if (g, el) == (0xFFFE, 0xE0DD):
                    at = inner
                    break
                at = _walk(b, inner, explicit, e, (0xFFFE, 0xE00D), None, {}) if l == 0xFFFFFFFF else inner + l
            continue
        if keep is not None:
            keep[(group, element)] = (vr, bytes(b[body:body + length]))
        at = body + length
    return at


def _fragments(b, at):
    out = []
    while True:
        g, el, length = struct.unpack_from("<HHI", b, at)
        if (g, el) != (0xFFFE, 0xE000):
            return out[1:]  # the first is the offset table
        out.append(bytes(b[at + 8:at + 8 + length]))
        at += 8 + length


def _unpack_rle(data, rows, columns, size):
    n, *starts = struct.unpack_from("<16I", data, 0)
    planes = []
    for k in range(n):
        at, stop = starts[k], starts[k + 1] if k + 1 < n else len(data)
        out = bytearray()
        while at < stop and len(out) < rows * columns:
            c = data[at]
            if c < 128:
                out += data[at + 1:at + 2 + c]
                at += 2 + c
            elif c > 128:
                out += data[at + 1:at + 2] * (257 - c)
                at += 2
            else:
                at += 1
        planes.append(np.frombuffer(bytes(out[:rows * columns]), np.uint8))
    v = np.zeros(rows * columns, np.uint16 if size == 2 else np.uint8)
    for p in planes:
        v = v * 256 + p if size == 2 else p
    return v


def read(path, window=True):
    """First frame as 8-bit grey with bone bright, and a few header words.

    Window if there is one, else the whole range of bits (12 of 16 and so on);
    with window=False from the least to the greatest value that occurs.
    Raises ValueError for what it does not know.
    """
    b = open(path, "rb").read()
    head, at = {}, 0
    syntax = "1.2.840.10008.1.2"
    if b[128:132] == b"DICM":
        group_end = 144 + struct.unpack_from("<I", b, 140)[0]
        _walk(b, 132, True, "<", None, group_end, head)
        syntax = head[(2, 0x10)][1].rstrip(b"\0 ").decode()
        at = group_end
    explicit, e = syntax != "1.2.840.10008.1.2", ">" if syntax.endswith(".1.2.2") else "<"
    _walk(b, at, explicit, e, None, None, head)

    def number(tag, default=None):
        if tag not in head:
            return default
        vr, v = head[tag]
        return struct.unpack(e + "H", v[:2])[0]

    def text(tag, default=""):
        return head[tag][1].rstrip(b"\0 ").decode("latin-1") if tag in head else default

    if "pixels" not in head:
        raise ValueError("no pixels")
    rows, columns = number((0x28, 0x10)), number((0x28, 0x11))
    bits, stored, signed = number((0x28, 0x100)), number((0x28, 0x101)), number((0x28, 0x103), 0)
    samples = number((0x28, 2), 1)
    photometric = text((0x28, 4))
    body, length = head["pixels"]
    if bits not in (8, 16):
        raise ValueError("bits allocated %s" % bits)
    if length != 0xFFFFFFFF:
        kind = ("b" if signed else "B") if bits == 8 else e + ("h" if signed else "H")
        v = np.frombuffer(b, kind, rows * columns * samples, body).astype(np.int64)
    else:
        parts = _fragments(b, body)
        if syntax.endswith(".4.50") or syntax.endswith((".4.90", ".4.91")):
            if signed and not syntax.endswith(".4.50"):
                raise ValueError("signed JPEG 2000")
            im = Image.open(io.BytesIO(b"".join(parts)))
            if samples == 3:
                im = im.convert("RGB")
            v = np.asarray(im).astype(np.int64).ravel()
        elif syntax.endswith(".1.2.5") and samples == 1:
            v = _unpack_rle(parts[0], rows, columns, bits // 8).astype(np.int64)
            if signed:
                v = np.where(v >= 1 << (bits - 1), v - (1 << bits), v)
        else:
            raise ValueError("transfer syntax %s" % syntax)
    if samples == 3:
        v = v.reshape(-1, 3)
        v = (v * [0.299, 0.587, 0.114]).sum(1) if photometric != "YBR_FULL" else v[:, 0]
    lo, hi = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)
    v = v.astype(float)
    slope, cut = float(text((0x28, 0x1053), "") or 1), float(text((0x28, 0x1052), "") or 0)
    v = v * slope + cut
    lo, hi = lo * slope + cut, hi * slope + cut
    centre, width = text((0x28, 0x1050)).split("\\")[0], text((0x28, 0x1051)).split("\\")[0]
    if window and centre and width and samples == 1:
        lo, hi = float(centre) - 0.5 - (float(width) - 1) / 2, float(centre) - 0.5 + (float(width) - 1) / 2
    elif samples == 1 and (not window or stored == 16):
        lo, hi = v.min(), v.max()
    v = np.clip((v - lo) / max(hi - lo, 1e-9), 0, 1) * 255
    if photometric == "MONOCHROME1":
        v = 255 - v
    return np.floor(v + 0.5).astype(np.uint8).reshape(rows, columns), {
        "modality": text((8, 0x60)), "part": text((0x18, 0x15)), "photometric": photometric, "syntax": syntax}


def uid(*words):
    """An identifier made from words: 2.25 and 128 bits of their digest."""
    return "2.25.%d" % int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:16], "big")


def write(path, pixels, bits, words, name):
    """Explicit VR little endian, one grey frame. `words`: {(group, element):
    (VR, text)}; `name` makes the identifiers of this file."""

    def element(group, el, vr, value):
        if isinstance(value, str):
            value = value.encode("ascii")
        if len(value) % 2:
            value += b"\0" if vr in ("UI", "OB") else b" "
        head = struct.pack("<HH", group, el) + vr.encode()
        if vr in ("OB", "OW"):
            return head + struct.pack("<HI", 0, len(value)) + value
        return head + struct.pack("<H", len(value)) + value

    us = lambda v: struct.pack("<H", v)
    klass = "1.2.840.10008.5.1.4.1.1.1"  # Computed Radiography Image Storage
    wide = bits > 8
    every = {
        (8, 0x16): ("UI", klass), (8, 0x18): ("UI", uid(name, "instance")), (0x20, 0x0D): ("UI", uid(name, "study")),
        (0x20, 0x0E): ("UI", uid(name, "series")), (0x28, 2): ("US", us(1)), (0x28, 4): ("CS", "MONOCHROME2"),
        (0x28, 0x10): ("US", us(pixels.shape[0])), (0x28, 0x11): ("US", us(pixels.shape[1])),
        (0x28, 0x100): ("US", us(16 if wide else 8)), (0x28, 0x101): ("US", us(bits)),
        (0x28, 0x102): ("US", us(bits - 1)), (0x28, 0x103): ("US", us(0)),
        (0x7FE0, 0x10): ("OW", pixels.astype("<u2" if wide else "u1").tobytes())}
    every.update(words)
    meta = (element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", klass) + element(2, 3, "UI", uid(name, "instance"))
            + element(2, 0x10, "UI", "1.2.840.10008.1.2.1") + element(2, 0x12, "UI", uid("implementation")))
    with open(path, "wb") as f:
        f.write(b"\0" * 128 + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta)
        f.write(b"".join(element(g, el, vr, v) for (g, el), (vr, v) in sorted(every.items())))
