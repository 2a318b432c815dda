#include "tensor/token_rows.h"

#include <ATen/ATen.h>

namespace latticelens {

std::vector<Tensor> token_rows(std::span<const std::int32_t> ids, std::int64_t length) {
  std::vector<Tensor> rows;
  if (length == 0)
    return rows; // no windows
  for (std::size_t first = 0; first + length <= ids.size(); first += length)
    rows.push_back(
        at::tensor(at::ArrayRef<std::int32_t>(ids.data() + first, length), at::kInt).to(at::kLong));
  return rows;
}

} // namespace latticelens
