#include "learn/basis_factor.h"

#include "kernels/product.h"
#include "tensor/gradient.h"
#include "tensor/linear.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>

namespace latticelens {
namespace {

/// Columns of b in strips, each with the rows of a that share a block with one of them.
void multiply_strip(const Tensor& a, const StripMatrix& columns, std::int64_t s, std::int64_t size,
                    float* products) {
  const std::int64_t width = a.size(1), first = s * strip_width, last = first + columns.rows_of(s),
                     low = first / size * size, high = (last + size - 1) / size * size;
  std::vector<float> product((high - low) * strip_width);
  add_product<float>(high - low, a.size(0), {a.const_data_ptr<float>() + low, 1, width},
                     columns.strip(s), product.data(), strip_width);
  for (std::int64_t j = first; j < last; ++j) {
    const std::int64_t block = j / size;
    for (std::int64_t i = 0; i < size; ++i)
      products[(block * size + i) * size + j % size] =
          product[(block * size + i - low) * strip_width + j - first];
  }
}

Tensor rows_of(const Tensor& x, const Tensor& shape) {
  return x.reshape({-1, shape.size(0) * shape.size(1)}).contiguous();
}

} // namespace

Tensor block_products(const Tensor& a, const Tensor& b, const Tensor& shape) {
  const Tensor left = rows_of(a, shape), right = rows_of(b, shape);
  Tensor products = at::zeros(shape.sizes(), at::kFloat);
  if (left.size(0) == 0)
    return products;
  const StripMatrix columns(right.t());
  at::parallel_for(0, columns.count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      multiply_strip(left, columns, s, shape.size(1), products.mutable_data_ptr<float>());
  });
  return products;
}

Tensor read_through(const Tensor& x, const Tensor& factor) {
  return with_gradient(x, {x, factor},
                       [from = x.detach(), shape = factor.detach()](const Tensor& g) {
                         return std::vector<Tensor>{g, block_products(g, from, shape)};
                       });
}

namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool reads_residual(const RotationSites& sites, const std::string& linear) {
  return std::any_of(sites.norm_readers.begin(), sites.norm_readers.end(),
                     [&](const auto& readers) { return has(readers.second, linear); });
}

/// The linears of a stage share their input: one place for all of them.
void read_at_stage(Block& block, const std::string& stage, const Tensor& factor) {
  InputFunction& function = block.inputs[stage];
  function = [before = function, factor](const Tensor& x) {
    return read_through(before ? before(x) : x, factor);
  };
}

} // namespace

// What is written may be added to in place: the value is a copy.
Tensor write_rows(const Tensor& y, const Rows& rows, const Tensor& factor) {
  const auto part = [rows](const Tensor& x) { return x.narrow(-1, rows.first, rows.count); };
  return with_gradient(y.detach().clone(), {y, factor},
                       [part, from = y.detach(), shape = factor.detach()](const Tensor& g) {
                         return std::vector<Tensor>{g, block_products(part(from), part(g), shape)};
                       });
}

FactorsOfLinear factors_of(const std::string& linear, const Layout& layout,
                           const BasisFactors& factors) {
  const RotationSites& sites = layout.rotation;
  FactorsOfLinear found;
  if (factors.residual.defined()) {
    if (reads_residual(sites, linear))
      found.read = factors.residual;
    if (has(sites.residual_writers, linear))
      found.written.emplace_back(Rows{linear, 0, shape_of(layout, linear).out}, factors.residual);
  }
  if (factors.value_output.defined()) {
    if (linear == sites.value_reader)
      found.read = factors.value_output;
    for (const Rows& rows : sites.values)
      if (rows.linear == linear)
        found.written.emplace_back(rows, factors.value_output);
  }
  return found;
}

void install_basis_factors(Block& block, const Model& model, const BasisFactors& factors) {
  for (const Stage& stage : model.layout->stages)
    if (const Tensor read = factors_of(stage.linears.front(), *model.layout, factors).read;
        read.defined())
      read_at_stage(block, stage.name, read);
  for (auto& [name, linear] : block.linears) {
    FactorsOfLinear own = factors_of(name, *model.layout, factors);
    if (in_a_stage(*model.layout, name))
      own.read = Tensor();
    if (!own.read.defined() && own.written.empty())
      continue;
    linear.product = [plain = linear, own](const Tensor& x) {
      Tensor y = plain(own.read.defined() ? read_through(x, own.read) : x);
      for (const auto& [rows, factor] : own.written)
        y = write_rows(y, rows, factor);
      return y;
    };
  }
}

} // namespace latticelens
