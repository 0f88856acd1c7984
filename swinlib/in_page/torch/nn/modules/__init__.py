"""``torch.nn``'s modules: what they own, how they are called, saved and loaded; and the layers."""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ...dtypes import NotHere, dtype, float32, float64, int64
from ...operators import offered
from ...shaping import _device, _dtype, filled
from ...tensor import Gradients, Tensor
from .. import functional as F
from .. import init

KINDS = {  # where a module keeps what it owns, and what may stand there
    "_parameters": ("parameter", "torch.nn.Parameter or None"),
    "_buffers": ("buffer", "torch.nn.Buffer, torch.Tensor, or None"),
    "_modules": ("child module", "torch.nn.Module or None"),
}


class Parameter(Tensor):
    """A tensor that is trained."""

    def __new__(cls, data: Tensor, requires_grad: bool = True) -> "Parameter":
        found = object.__new__(cls)
        found._set(data._storage, data.shape, data.dtype, data._strides, data._offset)
        return found.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{Tensor.__repr__(self)}"


class Buffer(Parameter):
    """A tensor that a module keeps, and does not train."""

    def __new__(cls, data: Tensor, *, persistent: bool = True) -> "Buffer":
        found = Parameter.__new__(cls, data, False)
        found.persistent = persistent
        return found


class Keys(NamedTuple):
    """What did not fit when a state_dict was loaded."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        fits = not self.missing_keys and not self.unexpected_keys
        named = f"missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys}"
        return "<All keys matched successfully>" if fits else f"_IncompatibleKeys({named})"


class Handle:
    """Takes a hook off again."""

    def __init__(self, hooks: dict, hook: Callable) -> None:
        self.hooks = hooks
        hooks[id(self)] = hook
        self.keep = hook

    def remove(self) -> None:
        self.hooks.pop(id(self), None)

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Module:
    """The base of all modules."""

    def __init__(self) -> None:
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_load_post_hooks")
        self.__dict__.update({name: {} for name in (*KINDS, *hooks)}, training=True, _non_persistent_buffers_set=set())

    # Attributes ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        for kind in KINDS:
            if name in self.__dict__.get(kind, ()):
                return self.__dict__[kind][name]
        if name in NOT_HERE:
            raise NotHere(f"`{name}` of a module")
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        owned = "_parameters" if type(value) is Parameter else "_modules" if isinstance(value, Module) else None
        if isinstance(value, Buffer):
            owned = "_buffers"
        if owned and owned not in self.__dict__:
            what = {"_modules": "module", "_parameters": "parameters", "_buffers": "buffer"}[owned]
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        kind = next((kind for kind in KINDS if name in self.__dict__.get(kind, ())), None)
        if owned and kind != owned:
            self._forget(name)
            self.__dict__.pop(name, None)
        if owned == "_buffers" and not value.persistent:
            self._non_persistent_buffers_set.add(name)
        if not owned and kind and value is not None and not (kind == "_buffers" and isinstance(value, Tensor)):
            raise TypeError(
                f"cannot assign '{_type_name(value)}' as {KINDS[kind][0]} '{name}' ({KINDS[kind][1]} expected)"
            )
        if owned or kind:
            self.__dict__[owned or kind][name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            object.__delattr__(self, name)

    def _forget(self, name: str) -> bool:
        """Take a name out of everything that the module owns; whether it was there."""
        self._non_persistent_buffers_set.discard(name)
        found = [self.__dict__[kind].pop(name, self) for kind in KINDS]
        return any(each is not self for each in found)

    def _register(self, kind: str, name: str, value: object, wanted: type, told: str) -> None:
        what = KINDS[kind][0].removeprefix("child ")
        if kind not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if hasattr(self, name) and name not in self.__dict__[kind]:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name or not name:
            got = f", got: {name}" if what == "module" else ""
            raise KeyError(f'{what} name can\'t contain "."{got}' if name else f'{what} name can\'t be empty string ""')
        if value is not None and not isinstance(value, wanted):
            raise TypeError(told.format(_type_name(value), name))
        self.__dict__[kind][name] = value

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        told = "cannot assign '{}' object to buffer '{}' (torch Tensor or None required)"
        self._register("_buffers", name, tensor, Tensor, told)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        told = "cannot assign '{}' object to parameter '{}' (torch.nn.Parameter or None required)"
        self._register("_parameters", name, param, Parameter, told)

    def add_module(self, name: str, module: "Module | None") -> None:
        self._register("_modules", name, module, Module, "{} is not a Module subclass")

    register_module = add_module

    # What is in it ------------------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, "Module"]]:
        memo, found = set() if memo is None else memo, []
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            found.append((prefix, self))
            for name, child in self._modules.items():
                if child is not None:
                    path = f"{prefix}.{name}" if prefix else name
                    found += child.named_modules(memo, path, remove_duplicate)
        return iter(found)

    def modules(self) -> Iterator["Module"]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        seen: set[Module | None] = {None}
        return ((name, child) for name, child in self._modules.items() if not (child in seen or seen.add(child)))

    def children(self) -> Iterator["Module"]:
        return (child for _, child in self.named_children())

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Tensor]]:
        seen, found = {None}, []
        owners = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, owner in owners:
            for name, tensor in owner.__dict__[kind].items():
                if tensor not in seen:
                    seen.update([tensor] if once else [])
                    found.append((f"{path}.{name}" if path else name, tensor))
        return iter(found)

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> "Module":
        module = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def _get(self, target: str, kind: type, what: str) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        if not isinstance(getattr(owner, name), kind):
            raise AttributeError(f"`{name}` is not {what}")
        return getattr(owner, name)

    def get_parameter(self, target: str) -> Parameter:
        return self._get(target, Parameter, "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        return self._get(target, Tensor, "a buffer")

    # What is done to all of it --------------------------------------------------------------------------------------

    def apply(self, fn: Callable[["Module"], None]) -> "Module":
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> "Module":
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> "Module":
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> "Module":
        for child in self.children():
            child._apply(fn)
        with Gradients(False):
            for parameter in self.parameters(recurse=False):
                parameter.data = fn(parameter)
        self._buffers.update({name: fn(buffer) for name, buffer in self._buffers.items() if buffer is not None})
        return self

    def to(self, *targets: object, dtype: dtype | None = None, device: object = None) -> "Module":
        kind = next((each for each in (dtype, *targets) if isinstance(each, _dtype)), None)
        if kind is not None and kind.kind != 2:
            only = f"only accepts floating point or complex dtypes, but got desired dtype={kind!r}"
            raise TypeError(f"nn.Module.to {only}")
        for target in (device, *targets):
            if isinstance(target, str):
                _device(target)
        return self._apply(lambda tensor: tensor.to(kind) if kind and tensor.is_floating_point() else tensor)

    def float(self) -> "Module":
        return self.to(float32)

    def double(self) -> "Module":
        return self.to(float64)

    def cpu(self) -> "Module":
        return self

    # Calling ------------------------------------------------------------------------------------------------------

    def forward(self, *_: object) -> object:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *arguments: object, **options: object) -> Any:
        for hook in list(self._forward_pre_hooks.values()):
            changed = hook(self, arguments)
            arguments = arguments if changed is None else changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*arguments, **options)
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, arguments, result)
            result = result if changed is None else changed
        return result

    def register_forward_hook(self, hook: Callable) -> Handle:
        return Handle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable) -> Handle:
        return Handle(self._forward_pre_hooks, hook)

    # Saving and loading -------------------------------------------------------------------------------------------

    def _saved(self) -> dict[str, Tensor]:
        """Own parameters and buffers that a state_dict has."""
        kept = {name: each for name, each in self._buffers.items() if name not in self._non_persistent_buffers_set}
        return {name: each for name, each in (*self._parameters.items(), *kept.items()) if each is not None}

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict:
        found = OrderedDict(
            (prefix + name, each if keep_vars else each.detach()) for name, each in self._saved().items()
        )
        for name, child in self._modules.items():
            found.update(child.state_dict(prefix=f"{prefix}{name}.", keep_vars=keep_vars) if child is not None else ())
        return found

    def register_load_state_dict_post_hook(self, hook: Callable) -> Handle:
        return Handle(self._load_post_hooks, hook)

    def load_state_dict(self, state_dict: dict, strict: bool = True, assign: bool = False) -> Keys:
        if not isinstance(state_dict, dict):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys, errors = Keys([], []), []
        self._load(OrderedDict(state_dict), "", keys, errors, assign)
        for what, found in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            if strict and found:
                named = ", ".join(f'"{key}"' for key in found)
                errors.insert(0, f"{what} key(s) in state_dict: {named}. ")
        if errors:
            told = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{told}")
        return keys

    def _load(self, given: OrderedDict, prefix: str, keys: Keys, errors: list[str], assign: bool) -> None:
        own = self._saved()
        for name, tensor in own.items():
            key, owner = prefix + name, self._parameters if name in self._parameters else self._buffers
            new = given.get(key)
            if key not in given:
                keys.missing_keys.append(key)
            elif not isinstance(new, Tensor):
                told = f"expected torch.Tensor or Tensor-like object from checkpoint but received {type(new)}"
                errors.append(f'While copying the parameter named "{key}", {told}')
            elif new.shape != tensor.shape:
                told = f"copying a param with shape {new.shape!r} from checkpoint, the shape in current model is"
                errors.append(f"size mismatch for {key}: {told} {tensor.shape!r}.")
            elif assign:
                bare = owner is self._parameters and not isinstance(new, Parameter)
                owner[name] = Parameter(new, tensor.requires_grad) if bare else new
            else:
                with Gradients(False):
                    tensor.copy_(new)
        for name, child in self._modules.items():
            if child is not None:
                child._load(given, f"{prefix}{name}.", keys, errors, assign)
        for key in given:
            first, dot, _ = key.removeprefix(prefix).partition(".")
            if key.startswith(prefix) and first not in (self._modules if dot else own):
                keys.unexpected_keys.append(key)
        for hook in self._load_post_hooks.values():
            hook(self, keys)

    # In words -------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        inner = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._modules.items()]
        name, extra = type(self).__name__, self.extra_repr()
        return "\n  ".join([f"{name}(", *filter(None, [extra]), *inner]) + "\n)" if inner else f"{name}({extra})"


NOT_HERE = {  # of PyTorch's modules: another attribute that is missing is the code's own mistake
    *("half", "bfloat16", "type", "to_empty", "cuda", "xpu", "ipu", "mtia", "share_memory", "compile", "zero_grad"),
    *("register_backward_hook", "register_full_backward_hook", "register_full_backward_pre_hook"),
    *("register_load_state_dict_pre_hook", "register_state_dict_pre_hook", "register_state_dict_post_hook"),
    *("get_extra_state", "set_extra_state", "set_submodule", "insert", "pop"),
}


def _type_name(value: object) -> str:
    return "torch.FloatTensor" if type(value) is Tensor else type(value).__name__


# --- containers ---------------------------------------------------------------------------------------------------


class Sequential(Module):
    """One after the other."""

    def __init__(self, *layers: Module | OrderedDict) -> None:
        super().__init__()
        named = len(layers) == 1 and isinstance(layers[0], OrderedDict)
        for name, layer in layers[0].items() if named else enumerate(layers):
            self.add_module(str(name), layer)

    def forward(self, input: Any) -> Any:
        for layer in self:
            input = layer(input)
        return input

    def _name_at(self, key: int) -> str:
        if not -len(self) <= key < len(self):
            raise IndexError(f"index {key} is out of range")
        return list(self._modules)[key]

    def _part(self, key: slice) -> "Sequential":
        return type(self)(OrderedDict(list(self._modules.items())[key]))

    def __getitem__(self, key: int | slice) -> Any:
        return self._part(key) if isinstance(key, slice) else self._modules[self._name_at(key)]

    def __setitem__(self, key: int, module: Module) -> None:
        setattr(self, self._name_at(key), module)

    def __delitem__(self, key: int) -> None:
        del self._modules[self._name_at(key)]
        self.__dict__["_modules"] = {str(i): layer for i, layer in enumerate(self)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __add__(self, other: object) -> None:
        raise NotHere("`+` of lists of modules")

    def append(self, module: Module) -> "Sequential":
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> "Sequential":
        for module in modules:
            self.append(module)
        return self


class ModuleList(Sequential):
    """A list whose modules are known."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    forward = Module.forward

    def _part(self, key: slice) -> "ModuleList":
        return type(self)(list(self)[key])

    def insert(self, index: int, module: Module) -> None:
        layers = list(self)
        layers.insert(index, module)
        self._modules.clear()
        self.extend(layers)


# --- layers -------------------------------------------------------------------------------------------------------


class _Weighted(Module):
    """A layer with a weight and perhaps a bias, drawn as PyTorch draws them."""

    def _own(self, shape: tuple[int, ...], bias: bool, kind: dtype | None = None) -> None:
        self.weight = Parameter(filled(shape, math.nan, kind))
        self.register_parameter("bias", Parameter(filled(shape[:1], math.nan, kind)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(max(math.prod(self.weight.shape[1:]), 1))
        for parameter in self.parameters(recurse=False):
            init.uniform_(parameter, -bound, bound)


class Linear(_Weighted):
    """``x @ weight.T + bias``."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, dtype: dtype | None = None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self._own((out_features, in_features), bias, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Conv2d(_Weighted):
    """A convolution of images ``(B, C, H, W)``."""

    groups, padding_mode, transposed, output_padding = 1, "zeros", False, (0, 0)

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: F.Sizes, stride: F.Sizes = 1, padding: F.Sizes = 0,
        dilation: F.Sizes = 1, *, bias: bool = True, dtype: dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        sizes = map(F._pair, (kernel_size, stride, padding, dilation))
        self.kernel_size, self.stride, self.padding, self.dilation = sizes
        self._own((out_channels, in_channels, *self.kernel_size), bias, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation)


class LayerNorm(Module):
    """Each token with mean 0 and variance 1, then scaled and shifted."""

    def __init__(
        self, normalized_shape: F.Sizes, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.register_parameter("weight", Parameter(filled(shape, 1)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(filled(shape, 0)) if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class Embedding(Module):
    """A table, looked up by row."""

    padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse = None, None, 2.0, False, False

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = Parameter(filled((num_embeddings, embedding_dim), 0))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.normal_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return self.weight[input]


class BatchNorm1d(LayerNorm):
    """What it owns; it is not computed here."""

    def __init__(self, num_features: int) -> None:
        super().__init__(num_features)
        self.register_buffer("running_mean", filled((num_features,), 0))
        self.register_buffer("running_var", filled((num_features,), 1))
        self.register_buffer("num_batches_tracked", filled((), 0, int64))

    def forward(self, input: Tensor) -> Tensor:
        raise NotHere("forward pass of `nn.BatchNorm1d`")


class MultiheadAttention(Module):
    """What it owns; it is not computed here."""

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        super().__init__()
        from .linear import NonDynamicallyQuantizableLinear

        self.in_proj_weight = Parameter(filled((3 * embed_dim, embed_dim), math.nan))
        self.in_proj_bias = Parameter(filled((3 * embed_dim,), 0))
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim)

    def forward(self, *_: Tensor) -> Tensor:
        raise NotHere("forward pass of `nn.MultiheadAttention`")


def _layer(name: str, call: Callable, **options: object) -> type[Module]:
    """A module without weights: it calls a function with itself, for its options, and the input."""

    def begin(self: Module, *values: object, **named: object) -> None:
        Module.__init__(self)
        for option in (*named, *map(str, range(len(options), len(values)))):
            if option not in options and call is not _same:
                raise NotHere(f"`{option}` of `nn.{name}`")
        self.__dict__.update({**options, **dict(zip(options, values, strict=False)), **named})

    return type(name, (Module,), {"__init__": begin, "forward": call, "__module__": __name__})


def _same(self: Module, input: Tensor) -> Tensor:
    return input


def _perhaps_over(self: Module, input: Tensor, result: Tensor) -> Tensor:
    return input._in_place(result) if self.inplace else result


Dropout = _layer(
    "Dropout", lambda self, x: _perhaps_over(self, x, F.dropout(x, self.p, self.training)), p=0.5, inplace=False
)
Flatten = _layer("Flatten", lambda self, x: x.flatten(self.start_dim, self.end_dim), start_dim=1, end_dim=-1)
GELU = _layer("GELU", lambda self, x: F.gelu(x, self.approximate), approximate="none")
Identity = _layer("Identity", _same)
_LEAKY = {"negative_slope": 0.01, "inplace": False}
LeakyReLU = _layer("LeakyReLU", lambda self, x: _perhaps_over(self, x, F.leaky_relu(x, self.negative_slope)), **_LEAKY)
ReLU = _layer("ReLU", lambda self, x: _perhaps_over(self, x, x.relu()), inplace=False)
Sigmoid = _layer("Sigmoid", lambda self, x: x.sigmoid())
Softmax = _layer("Softmax", lambda self, x: x.softmax(self.dim), dim=-1)
Tanh = _layer("Tanh", lambda self, x: x.tanh())
_SIZES = {"size": None, "scale_factor": None, "mode": "nearest", "align_corners": None}
Upsample = _layer("Upsample", lambda self, x: F.interpolate(x, *(getattr(self, name) for name in _SIZES)), **_SIZES)


for _class in (Linear, Conv2d, LayerNorm, Embedding, BatchNorm1d, MultiheadAttention):
    _class.__init__ = offered(_class.__init__, f"nn.{_class.__name__}")
