#include "sae/coder_tensors.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <algorithm>

namespace latticelens {
namespace {

[[noreturn]] void fail(const SafetensorsFile& file, const std::string& name,
                       const std::string& reason) {
  throw Error("sae", file.path().string() + ": " + name + " " + reason);
}

const SafetensorsEntry& entry_of(const SafetensorsFile& file, const std::string& name) {
  if (!file.has(name))
    fail(file, name, "is missing; is this the folder of a finished autoencoder?");
  return file.entries().at(name);
}

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

} // namespace

Tensor stored_tensor(const SafetensorsFile& file, const std::string& name,
                     const std::vector<std::int64_t>& shape) {
  const SafetensorsEntry& entry = entry_of(file, name);
  if (entry.shape != shape)
    fail(file, name,
         "has the shape " + text_of(entry.shape) + "; by the other files it should be " +
             text_of(shape));
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16")
    fail(file, name,
         "is stored as " + entry.dtype + ", not as F32, BF16 or F16; save it in one of these");
  return file.load(name).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
}

void require_only(const SafetensorsFile& file, std::initializer_list<const char*> names) {
  for (const auto& [name, entry] : file.entries())
    if (std::find(names.begin(), names.end(), name) == names.end())
      fail(file, name, "is a tensor that such a coder does not have; it would be lost");
}

std::pair<std::int64_t, std::int64_t> matrix_sizes(const SafetensorsFile& file,
                                                   const std::string& name) {
  const SafetensorsEntry& entry = entry_of(file, name);
  if (entry.shape.size() != 2)
    fail(file, name, "has the shape " + text_of(entry.shape) + "; it should be a matrix");
  return {entry.shape[0], entry.shape[1]};
}

} // namespace latticelens
