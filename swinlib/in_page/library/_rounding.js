// Numbers rounded to 32 bits, all of a tensor at once, as the interpreter holds them.
(function ($B) {
  const builtins = $B.builtins;
  const plain = value => typeof value === "object" && !$B.exact_type(value, builtins.float)
    ? $B.$call(builtins.float, value).value : Number(value.value ?? value);
  const float32 = function (values) {
    const rounded = [];
    for (const value of $B.make_js_iterator(values)) rounded.push($B.fast_float(Math.fround(plain(value))));
    return $B.$list(rounded);
  };
  $B.set_function_infos(float32, { __name__: "float32", __qualname__: "float32", __module__: "_rounding" });
  float32.ob_type = $B.builtin_function_or_method;
  $B.addToImported("_rounding", { float32 });
})(__BRYTHON__);
