"""Run the exported file from Python: through onnxruntime where Python has it,
else by carrying out the graph, node by node, in torch (python3-onnx reads it)."""
import numpy as np
import torch
import torch.nn.functional as F


class Runner:
    def __init__(self, path):
        try:
            import onnxruntime
            self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            self.kind = "onnxruntime " + onnxruntime.__version__
        except ImportError:
            import onnx
            from onnx import numpy_helper
            model = onnx.load(path)
            onnx.checker.check_model(model)
            self.session, self.kind = None, "node by node in torch"
            self.out = [o.name for o in model.graph.output]
            self.constants = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
            self.nodes = []
            for n in model.graph.node:
                a = {}
                for k in n.attribute:
                    v = onnx.helper.get_attribute_value(k)
                    a[k.name] = torch.from_numpy(numpy_helper.to_array(v).copy()) if k.name == "value" else v
                self.nodes.append((n.op_type, list(n.input), list(n.output), a))

    def __call__(self, x, batch=32):
        """x: [N,1,224,224]; gives numpy arrays pneumonia, heatmap, suitability."""
        parts = []
        for i in range(0, len(x), batch):
            b = np.ascontiguousarray(np.asarray(x[i:i + batch]), dtype=np.float32)
            parts.append(self.session.run(None, {"image": b}) if self.session else self._walk(b))
        return [np.concatenate(p) for p in zip(*parts)]

    @torch.no_grad()
    def _walk(self, b):
        v = dict(self.constants)
        v["image"] = torch.from_numpy(b)
        for op, names, outs, a in self.nodes:
            x = [v[n] if n else None for n in names]
            v[outs[0]] = OPS[op](a, *x)
        return [v[n].numpy() for n in self.out]


def _conv(a, x, w, b=None):
    p, g = a.get("pads", [0, 0, 0, 0]), a.get("group", 1)
    assert p[0] == p[2] and p[1] == p[3]
    return F.conv2d(x, w, b, a.get("strides", [1, 1]), p[:2], a.get("dilations", [1, 1]), g)


def _average(a, x):
    p = a.get("pads", [0, 0, 0, 0])
    assert p[0] == p[1] == p[2] == p[3] and not a.get("ceil_mode", 0)
    return F.avg_pool2d(x, a["kernel_shape"], a.get("strides"), p[0], count_include_pad=bool(a.get("count_include_pad")))


def _mean(a, x):
    return x.mean(a["axes"], keepdim=bool(a.get("keepdims", 1)))


def _slice(a, x, start, stop, axes, steps=None):
    s = [slice(None)] * x.ndim
    for k, i in enumerate(axes.tolist()):
        s[i] = slice(int(start[k]), min(int(stop[k]), x.shape[i]), None if steps is None else int(steps[k]))
    return x[tuple(s)]


def _pad(a, x, pads, value=None):
    p = pads.tolist()
    n = x.ndim
    q = [e for i in reversed(range(n)) for e in (p[i], p[i + n])]
    while len(q) > 4 and q[-1] == q[-2] == 0:
        q = q[:-2]
    mode = {b"edge": "replicate", b"constant": "constant", b"reflect": "reflect"}[a.get("mode", b"constant")]
    return F.pad(x, q, mode=mode)


def _resize(a, x, roi=None, scales=None, sizes=None):
    assert a["mode"] == b"linear" and a["coordinate_transformation_mode"] in (b"half_pixel", b"pytorch_half_pixel")
    size = [int(round(float(s) * n)) for s, n in zip(scales[2:], x.shape[2:])] if sizes is None else sizes[2:].tolist()
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def _clip(a, x, lo=None, hi=None):
    return x.clamp(None if lo is None else float(lo), None if hi is None else float(hi))


def _at(a, x, i):
    return torch.select(x, a.get("axis", 0), int(i)) if i.ndim == 0 else torch.index_select(x, a.get("axis", 0), i)


def _unsqueeze(a, x, axes):
    for i in sorted(axes.tolist()):
        x = x.unsqueeze(i)
    return x


def _reshape(a, x, shape):
    s = shape.tolist()
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(s)])


def _gemm(a, x, w, b=None):
    x = x.t() if a.get("transA") else x
    w = w.t() if a.get("transB") else w
    y = a.get("alpha", 1.0) * (x @ w)
    return y if b is None else y + a.get("beta", 1.0) * b


OPS = {
    "Conv": _conv, "AveragePool": _average, "ReduceMean": _mean, "Slice": _slice, "Pad": _pad, "Resize": _resize,
    "Clip": _clip, "Gather": _at, "Unsqueeze": _unsqueeze, "Reshape": _reshape, "Gemm": _gemm,
    "Relu": lambda a, x: x.relu(), "Sigmoid": lambda a, x: x.sigmoid(), "Sqrt": lambda a, x: x.sqrt(),
    "Log": lambda a, x: x.log(), "Exp": lambda a, x: x.exp(), "Abs": lambda a, x: x.abs(),
    "ReduceMax": lambda a, x: x.amax(a["axes"], keepdim=bool(a.get("keepdims", 1))),
    "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y, "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y, "MatMul": lambda a, x, y: x @ y,
    "Min": lambda a, x, y: torch.minimum(x, y), "Max": lambda a, x, y: torch.maximum(x, y),
    "Concat": lambda a, *x: torch.cat(x, a["axis"]), "Identity": lambda a, x: x,
    "Constant": lambda a: a["value"], "Transpose": lambda a, x: x.permute(a["perm"]),
    "Squeeze": lambda a, x, axes: x.squeeze(int(axes[0])), "Cast": lambda a, x: x.float() if a["to"] == 1 else x.long(),
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)), "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
}
