"""``torch.nn``'s modules: what they own, how they are called, saved and loaded; and the layers."""

import copy
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .. import shaping
from ..dtypes import NotHere, dtype, float32, float64
from ..tensor import Gradients, Tensor
from . import functional as F
from . import init

__all__ = [
    *("Buffer", "Conv2d", "Dropout", "Embedding", "Flatten", "GELU", "Identity", "LayerNorm", "LeakyReLU", "Linear"),
    *("Module", "ModuleDict", "ModuleList", "Parameter", "ReLU", "Sequential", "Sigmoid", "SiLU", "Softmax", "Tanh"),
]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'torch.nn' has no attribute {name!r}")
    raise NotHere(f"`nn.{name}`")


class Parameter(Tensor):
    """A tensor that is trained."""

    def __new__(cls, data: Tensor, requires_grad: bool = True) -> "Parameter":
        return _owned(cls, data).requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{Tensor.__repr__(self)}"


class Buffer(Tensor):
    """A tensor that a module keeps, and does not train."""

    persistent = True

    def __new__(cls, data: Tensor, *, persistent: bool = True) -> "Buffer":
        found = _owned(cls, data)
        found.persistent = persistent
        return found


def _owned(cls: type, data: Tensor) -> Tensor:
    found = object.__new__(cls)
    found._set(data._storage, data.shape, data.dtype, data._strides, data._offset)
    return found


class Keys(NamedTuple):
    """What did not fit when a state_dict was loaded."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Handle:
    """Takes a hook off again."""

    number = 0

    def __init__(self, hooks: dict, hook: Callable) -> None:
        Handle.number += 1
        self.id, self.hooks = Handle.number, hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


_KINDS = ("_parameters", "_buffers", "_modules")


class Module:
    """The base of all modules."""

    def __init__(self) -> None:
        for name in _KINDS:
            object.__setattr__(self, name, {})
        for name in ("_forward_hooks", "_forward_pre_hooks", "_load_pre_hooks", "_load_post_hooks"):
            object.__setattr__(self, name, OrderedDict())
        object.__setattr__(self, "_non_persistent_buffers_set", set())
        object.__setattr__(self, "training", True)

    # Attributes ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        for kind in _KINDS:
            owned = self.__dict__.get(kind, {})
            if name in owned:
                return owned[name]
        if name in _NOT_HERE:
            raise NotHere(f"`{name}` of a module")
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        kind = {Parameter: "_parameters", Buffer: "_buffers"}.get(type(value))
        kind = "_modules" if isinstance(value, Module) else kind
        if kind is not None:
            if "_modules" not in self.__dict__:
                what = "module" if kind == "_modules" else kind[1:-1]
                raise AttributeError(f"cannot assign {what}{'s' * (kind != '_modules') and ''} before Module.__init__() call")
            self._forget(name)
            if kind == "_buffers":
                self.register_buffer(name, value, value.persistent)
            else:
                self.__dict__[kind][name] = value
            return
        for kind in _KINDS:
            owned = self.__dict__.get(kind, {})
            if name in owned:
                if value is not None and (kind != "_buffers" or not isinstance(value, Tensor)):
                    what = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "child module"}[kind]
                    wanted = {
                        "_parameters": "torch.nn.Parameter or None",
                        "_buffers": "torch.nn.Buffer, torch.Tensor, or None",
                        "_modules": "torch.nn.Module or None",
                    }[kind]
                    raise TypeError(
                        f"cannot assign '{_type_name(value)}' as {what} '{name}' ({wanted} expected)"
                    )
                owned[name] = value
                return
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if not self._forget(name, own=False):
            object.__delattr__(self, name)

    def _forget(self, name: str, own: bool = True) -> bool:
        """Take a name out of everything that the module knows."""
        if own:
            self.__dict__.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        return any([self.__dict__[kind].pop(name, self) is not self for kind in _KINDS])

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def _check_name(self, name: str, what: str, kind: str) -> None:
        if hasattr(self, name) and name not in self.__dict__[kind]:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}' if what == "module" else f'{what} name can\'t contain "."')
        if not name:
            raise KeyError(f'{what} name can\'t be empty string ""')

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        self._check_name(name, "parameter", "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param

    def add_module(self, name: str, module: "Module | None") -> None:
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        self._check_name(name, "module", "_modules")
        self._modules[name] = module

    register_module = add_module

    # What is in it ------------------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, "Module"]]:
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator["Module"]:
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator["Module"]:
        for _, child in self.named_children():
            yield child

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Tensor]]:
        seen: set = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, owner in owners:
            for name, tensor in owner.__dict__[kind].items():
                if tensor is not None and tensor not in seen:
                    if once:
                        seen.add(tensor)
                    yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> "Module":
        module = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        found = getattr(owner, name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if name not in owner._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return owner._buffers[name]

    # What is done to all of it --------------------------------------------------------------------------------------

    def apply(self, fn: Callable[["Module"], None]) -> "Module":
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> "Module":
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> "Module":
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> "Module":
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Nothing has gradients here."""

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> "Module":
        for child in self.children():
            child._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                with Gradients(False):
                    parameter.data = fn(parameter)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *targets: object, dtype: dtype | None = None, device: object = None) -> "Module":
        kind = next((each for each in (dtype, *targets) if isinstance(each, shaping._dtype)), None)
        if kind is not None and kind.kind != 2:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={kind!r}"
            )
        for target in (device, *targets):
            if isinstance(target, str):
                shaping._device(target)
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
            if changed is not None:
                arguments = changed if isinstance(changed, tuple) else (changed,)
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

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict:
        found = OrderedDict()
        self._save(found, prefix, keep_vars)
        return found

    def _save(self, found: OrderedDict, prefix: str, keep_vars: bool) -> None:
        for name, tensor in (*self._parameters.items(), *self._buffers.items()):
            if tensor is not None and name not in self._non_persistent_buffers_set:
                found[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, child in self._modules.items():
            if child is not None:
                child._save(found, f"{prefix}{name}.", keep_vars)

    def register_load_state_dict_pre_hook(self, hook: Callable) -> Handle:
        return Handle(self._load_pre_hooks, hook)

    def register_load_state_dict_post_hook(self, hook: Callable) -> Handle:
        return Handle(self._load_post_hooks, hook)

    def load_state_dict(self, state_dict: dict, strict: bool = True, assign: bool = False) -> Keys:
        if not isinstance(state_dict, dict):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys, errors, given = Keys([], []), [], OrderedDict(state_dict)
        self._load(given, "", keys, errors, assign)
        if strict and keys.unexpected_keys:
            names = ", ".join(f'"{key}"' for key in keys.unexpected_keys)
            errors.insert(0, f"Unexpected key(s) in state_dict: {names}. ")
        if strict and keys.missing_keys:
            names = ", ".join(f'"{key}"' for key in keys.missing_keys)
            errors.insert(0, f"Missing key(s) in state_dict: {names}. ")
        if errors:
            told = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{told}")
        return keys

    def _load(self, given: OrderedDict, prefix: str, keys: Keys, errors: list[str], assign: bool) -> None:
        for hook in self._load_pre_hooks.values():
            hook(self, given, prefix, {}, True, keys.missing_keys, keys.unexpected_keys, errors)
        kept = {k: v for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set}
        own = {k: v for k, v in (*self._parameters.items(), *kept.items()) if v is not None}
        for name, tensor in own.items():
            key = prefix + name
            if key not in given:
                keys.missing_keys.append(key)
            elif not isinstance(given[key], Tensor):
                errors.append(
                    f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                    f"checkpoint but received {type(given[key])}"
                )
            elif given[key].shape != tensor.shape:
                errors.append(
                    f"size mismatch for {key}: copying a param with shape {given[key].shape!r} from checkpoint, the "
                    f"shape in current model is {tensor.shape!r}."
                )
            elif assign:
                new = given[key]
                if name in self._parameters and not isinstance(new, Parameter):
                    new = Parameter(new, tensor.requires_grad)
                (self._parameters if name in self._parameters else self._buffers)[name] = new
            else:
                with Gradients(False):
                    tensor.copy_(given[key])
        for name, child in self._modules.items():
            if child is not None:
                child._load(given, f"{prefix}{name}.", keys, errors, assign)
        for key in given:
            if key.startswith(prefix):
                first = key[len(prefix) :].split(".", 1)
                known = first[0] in self._modules if len(first) > 1 else first[0] in own
                if not known and key not in keys.unexpected_keys:
                    keys.unexpected_keys.append(key)
        for hook in self._load_post_hooks.values():
            hook(self, keys)

    # In words -------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        inner = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._modules.items()]
        if not inner:
            return f"{self._get_name()}({self.extra_repr()})"
        return "\n  ".join([f"{self._get_name()}(", *([self.extra_repr()] if self.extra_repr() else []), *inner]) + "\n)"


_NOT_HERE = {"half", "bfloat16", "to_empty", "compile", "register_full_backward_hook", "share_memory", "cuda", "type"}


def _type_name(value: object) -> str:
    kind = type(value)
    if isinstance(value, Tensor):
        return "torch.FloatTensor" if kind is Tensor else "torch.nn.parameter." + kind.__name__
    return kind.__name__


# --- containers ---------------------------------------------------------------------------------------------------


class Sequential(Module):
    """One after the other."""

    def __init__(self, *layers: Module | OrderedDict) -> None:
        super().__init__()
        named = layers[0] if len(layers) == 1 and isinstance(layers[0], OrderedDict) else None
        for name, layer in named.items() if named is not None else enumerate(layers):
            self.add_module(str(name), layer)

    def forward(self, input: Any) -> Any:
        for layer in self:
            input = layer(input)
        return input

    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return type(self)(OrderedDict(list(self._modules.items())[key]))
        return self._modules[_name_at(self, key)]

    def __setitem__(self, key: int, module: Module) -> None:
        setattr(self, _name_at(self, key), module)

    def __delitem__(self, key: int) -> None:
        delattr(self, _name_at(self, key))
        self._modules = {str(i): layer for i, layer in enumerate(self)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def append(self, module: Module) -> "Sequential":
        self.add_module(str(len(self)), module)
        return self


def _name_at(container: Module, key: int) -> str:
    if not -len(container) <= key < len(container):
        raise IndexError(f"index {key} is out of range")
    return list(container._modules)[key]


class ModuleList(Module):
    """A list whose modules are known."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        for module in modules or ():
            self.append(module)

    def append(self, module: Module) -> "ModuleList":
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> "ModuleList":
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        layers = list(self)
        layers.insert(index, module)
        self._modules.clear()
        self.extend(layers)

    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return type(self)(list(self._modules.values())[key])
        return self._modules[_name_at(self, key)]

    def __setitem__(self, key: int, module: Module) -> None:
        setattr(self, _name_at(self, key), module)

    __len__, __iter__ = Sequential.__len__, Sequential.__iter__


class ModuleDict(Module):
    """A dict whose modules are known."""

    def __init__(self, modules: dict[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def update(self, modules: dict[str, Module]) -> None:
        for name, module in modules.items():
            self.add_module(name, module)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        return self._modules.items()

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    __len__ = Sequential.__len__


# --- layers -------------------------------------------------------------------------------------------------------


class Linear(Module):
    """``x @ weight.T + bias``."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: object = None, dtype: dtype | None = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(shaping.empty(out_features, in_features, dtype=dtype))
        self.register_parameter("bias", Parameter(shaping.empty(out_features, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(math.prod(self.weight.shape[1:])) if self.weight.numel() else 0.0
        for parameter in self.parameters(recurse=False):
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Conv2d(Module):
    """A convolution of images ``(B, C, H, W)``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.padding, self.dilation = map(
            F._pair, (kernel_size, stride, padding, dilation)
        )
        self.weight = Parameter(shaping.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.register_parameter("bias", Parameter(shaping.empty(out_channels)) if bias else None)
        self.reset_parameters()

    reset_parameters = Linear.reset_parameters

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class LayerNorm(Module):
    """Each token with mean 0 and variance 1, then scaled and shifted."""

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.register_parameter("weight", Parameter(shaping.ones(shape)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(shaping.zeros(shape)) if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        for name, parameter in self.named_parameters():
            init.constant_(parameter, float(name == "weight"))

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class Embedding(Module):
    """A table, looked up by row."""

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = Parameter(shaping.empty(num_embeddings, embedding_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.normal_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight)


class Dropout(Module):
    """Entries set to zero by chance, in training."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training)


class Flatten(Module):
    """All dimensions but the first in one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)


class Identity(Module):
    """What comes in."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


def _layer(name: str, function: Callable, *options: str, **defaults: object) -> type[Module]:
    """A module without weights, that calls a function."""

    def __init__(self: Module, *values: object, **named: object) -> None:
        Module.__init__(self)
        self.options = {**defaults, **dict(zip(options, values, strict=False)), **named}
        self.__dict__.update(self.options)

    def forward(self: Module, input: Tensor) -> Tensor:
        return function(input, **{key: value for key, value in self.options.items() if key != "inplace"})

    return type(name, (Module,), {"__init__": __init__, "forward": forward, "__module__": __name__})


GELU = _layer("GELU", F.gelu, "approximate", approximate="none")
ReLU = _layer("ReLU", F.relu, "inplace", inplace=False)
LeakyReLU = _layer("LeakyReLU", F.leaky_relu, "negative_slope", negative_slope=0.01)
Softmax = _layer("Softmax", F.softmax, "dim", dim=None)
SiLU, Sigmoid, Tanh = _layer("SiLU", F.silu), _layer("Sigmoid", F.sigmoid), _layer("Tanh", F.tanh)
