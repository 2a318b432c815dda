#include "tensor/device.h"

#include "core/error.h"
#include "tensor/cuda_loader.h"
#include <ATen/ATen.h>
#include <charconv>
#include <optional>

namespace latticelens {
namespace {

/// The number of "cuda:NUMBER"; "cuda" is the first.
std::optional<int> cuda_number(const std::string& text) {
  const std::string word = "cuda";
  if (text == word)
    return 0;
  int number = 0;
  const char* const end = text.data() + text.size();
  if (!text.starts_with(word + ":"))
    return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data() + word.size() + 1, end, number);
  return error == std::errc() && stop == end && number >= 0 ? std::optional(number) : std::nullopt;
}

} // namespace

Device parse_device(const std::string& text) {
  if (text == "cpu")
    return at::kCPU;
  const std::optional<int> number = cuda_number(text);
  require(number.has_value(), "device",
          "\"" + text + "\" is no device; give cpu, cuda or cuda:NUMBER");
  const std::string& reason = load_cuda();
  require(reason.empty(), "device",
          text + ": " + reason +
              "; run without --device, or do what latticelens help devices says");
  const auto count = static_cast<int>(at::getNumGPUs());
  require(*number < count, "device",
          text + ": the driver shows " + std::to_string(count) +
              " GPUs (numbers begin with 0); choose another, or see CUDA_VISIBLE_DEVICES");
  return {at::kCUDA, static_cast<c10::DeviceIndex>(*number)};
}

const Tensor& Constant::beside(const Tensor& x) const {
  if (!value_.defined() || value_.device() == x.device())
    return value_;
  if (!copy_.defined() || copy_.device() != x.device())
    copy_ = value_.to(x.device());
  return copy_;
}

} // namespace latticelens
