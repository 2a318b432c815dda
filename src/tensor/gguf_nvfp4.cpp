#include "tensor/gguf_nvfp4.h"

#include "core/error.h"
#include <ATen/ATen.h>

namespace latticelens {

Tensor under_second_scale(const Tensor& values, std::span<const std::byte> blocks,
                          float second_scale) {
  constexpr std::int64_t bytes = 36, scales = 4, group = 16; // of a block, in it, under one scale
  require(values.numel() % (scales * group) == 0 &&
              static_cast<std::int64_t>(blocks.size()) / bytes * scales * group == values.numel(),
          "gguf", "NVFP4 blocks and values do not fit together");
  const Tensor stored =
      at::from_blob(const_cast<std::byte*>(blocks.data()),
                    {static_cast<std::int64_t>(blocks.size()) / bytes, bytes}, at::kByte);
  const Tensor own = stored.slice(1, 0, scales)
                         .contiguous()
                         .view(at::kFloat8_e4m3fn)
                         .to(at::kFloat)
                         .reshape({-1, 1});
  const Tensor elements = values.reshape({-1, group}) / at::where(own == 0, 1, own);
  return (elements * (own / second_scale)).reshape(values.sizes());
}

std::string scale_name(const std::string& name) {
  constexpr std::string_view weight = ".weight";
  return name.ends_with(weight) ? name.substr(0, name.size() - weight.size()) + ".scale" : "";
}

} // namespace latticelens
