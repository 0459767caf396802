"""A GPU that is pretended: tensors are said to be on it, and whatever would fail there fails here."""

from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

GPU = torch.device("cuda", 0)
TO_NUMPY = (Tensor.numpy, Tensor.__array__)
MOVES = (Tensor.to, Tensor.cpu, Tensor.cuda)
ACROSS = (Tensor.copy_, Tensor.__setitem__, torch._has_compatible_shallow_copy_type)  # devices may differ
Generator = torch.Generator


class PretendedGenerator(Generator):
    """A generator that is said to be on `said`."""

    def __new__(cls, device="cpu"):
        generator = super().__new__(cls)
        generator.said = torch.device(device).type
        return generator


def is_on_gpu(tensor):
    """Whether a tensor is said to be on the GPU."""
    return getattr(tensor, "_on_gpu", False)


def _means_gpu(value):
    return isinstance(value, (str, torch.device)) and torch.device(value).type == "cuda"


def _is_device(value):
    if isinstance(value, torch.device):
        return True
    return isinstance(value, str) and value.partition(":")[0] in ("cpu", "cuda", "meta")


class _Mode(TorchFunctionMode):
    results = 0  # tensors that were made on the GPU

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function == Tensor.device.__get__:
            return GPU if is_on_gpu(args[0]) else function(*args)
        if function == Tensor.is_cuda.__get__:
            return is_on_gpu(args[0])
        if function in TO_NUMPY and is_on_gpu(args[0]):
            raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu()")
        if function == Tensor.data.__set__:  # by modules that are moved
            args[0]._on_gpu = is_on_gpu(args[1])
            return function(*args)
        if function in MOVES:
            return self._moved(function, args, kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if "device" in kwargs and kwargs["device"] is not None:
            on_gpu = _means_gpu(kwargs["device"])
            kwargs["device"] = "cpu" if on_gpu else kwargs["device"]
        else:
            on_gpu = self._common_device(function, args, tensors)
        for value in (*args, *kwargs.values()):
            if isinstance(value, Generator) and (getattr(value, "said", "cpu") == "cuda") != on_gpu:
                raise RuntimeError(f"generator of another device than the tensors of {function.__name__}")
        result = function(*args, **kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and not any(leaf is tensor for tensor in tensors):
                leaf._on_gpu = on_gpu
                self.results += on_gpu
        return result

    def _common_device(self, function, args, tensors):
        """Whether all `tensors` are on the GPU; those on the CPU may be single numbers, or indices."""
        if not any(map(is_on_gpu, tensors)):
            return False
        if function in ACROSS:
            return is_on_gpu(args[0])
        if function is Tensor.__getitem__ and is_on_gpu(args[0]):
            return True
        if any(not is_on_gpu(tensor) and tensor.ndim > 0 for tensor in tensors):
            raise RuntimeError(f"Expected all tensors to be on the same device, but {function.__name__} has two")
        return True

    def _moved(self, function, args, kwargs):
        tensor, *rest = args
        on_gpu = is_on_gpu(tensor)
        if function is not Tensor.to:
            on_gpu, rest, kwargs = function is Tensor.cuda, [], {}
        for value in (*rest, *kwargs.values()):
            if isinstance(value, Tensor):
                on_gpu = is_on_gpu(value)
            elif _is_device(value):
                on_gpu = _means_gpu(value)
        rest = ["cpu" if _means_gpu(value) else value for value in rest]
        kwargs = {name: "cpu" if _means_gpu(value) else value for name, value in kwargs.items()}
        result = Tensor.to(tensor, *rest, **kwargs) if rest or kwargs else tensor
        if on_gpu != is_on_gpu(tensor):
            result = result.clone() if result is tensor else result
            result._on_gpu = on_gpu
        elif result is not tensor:
            result._on_gpu = on_gpu
        return result


@contextmanager
def pretended_gpu():
    """A block in which there is one GPU, cuda:0; gives the mode, which counts the `results` that are made there."""
    load = torch.load

    def loaded(*args, map_location=None, **options):
        content = load(*args, map_location="cpu" if _means_gpu(map_location) else map_location, **options)
        for leaf in tree_leaves(content):
            if isinstance(leaf, Tensor):
                leaf._on_gpu = _means_gpu(map_location)
        return content

    made = torch.nn.Parameter.__new__

    def parameter(cls, data=None, requires_grad=True):
        result = made(cls, data, requires_grad)
        result._on_gpu = is_on_gpu(data)
        return result

    with pytest.MonkeyPatch.context() as patch, _Mode() as mode:
        patch.setattr(torch.nn.Parameter, "__new__", parameter)
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "current_device", lambda: 0)
        patch.setattr(torch.cuda, "get_rng_state", lambda device=None: torch.get_rng_state())
        patch.setattr(torch.cuda, "set_rng_state", lambda state, device=None: None)
        patch.setattr(torch, "Generator", PretendedGenerator)
        patch.setattr(torch, "load", loaded)
        yield mode
