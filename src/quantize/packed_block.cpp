#include "quantize/packed_block.h"

#include "quantize/packed_model.h"

namespace latticelens {
namespace {

/// None where it is stored otherwise, or in another shape, which load_block explains.
std::optional<PackedMatrix> load_packed_matrix(const Model& model, const std::string& prefix,
                                               const LinearShape& shape) {
  const LoadTensor load = tensors_of(*model.tensors);
  auto packed = PackedMatrix::of(
      [&](const std::string& end) { return load(prefix + shape.name + ".weight" + end); });
  const bool fits = packed && packed->rows() == shape.out && packed->columns() == shape.in;
  return fits ? std::move(packed) : std::nullopt;
}

} // namespace

PackedMatrices load_packed_matrices(const Model& model, std::int64_t layer) {
  PackedMatrices all;
  for (const Stage& stage : model.layout->stages) {
    PackedMatrices packed;
    for (const std::string& name : stage.linears)
      if (auto matrix =
              load_packed_matrix(model, block_prefix(model, layer), shape_of(*model.layout, name)))
        packed.emplace(name, std::move(*matrix));
    if (packed.size() == stage.linears.size())
      all.merge(packed);
  }
  return all;
}

Block load_packed_block(const Model& model, std::int64_t layer, const ActivationSpec& spec) {
  const PackedMatrices packed = load_packed_matrices(model, layer);
  std::set<std::string> unread;
  for (const auto& [name, matrix] : packed)
    unread.insert(name);
  Block block = load_block(model, layer, unread);
  install_packed_products(block, *model.layout, spec, packed);
  return block;
}

} // namespace latticelens
