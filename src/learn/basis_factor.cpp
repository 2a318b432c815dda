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

// What is written may be added to in place: the value is a copy.
Tensor write_through(const Tensor& x, const Tensor& factor) {
  return with_gradient(x.detach().clone(), {x, factor},
                       [from = x.detach(), shape = factor.detach()](const Tensor& g) {
                         return std::vector<Tensor>{g, block_products(from, g, shape)};
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

void read_at_stage(Block& block, const std::string& stage, const Tensor& factor) {
  InputFunction& function = block.inputs[stage];
  function = [before = function, factor](const Tensor& x) {
    return read_through(before ? before(x) : x, factor);
  };
}

using Change = std::function<Tensor(const Tensor&)>;

/// A linear whose input and output go through functions.
void surround(Linear& linear, const Change& input, const Change& output) {
  linear.product = [plain = linear, input, output](const Tensor& x) {
    const Tensor y = plain(input ? input(x) : x);
    return output ? output(y) : y;
  };
}

Change written(const Tensor& factor) {
  return [factor](const Tensor& y) { return write_through(y, factor); };
}

/// Some of a linear's outputs are written in the basis.
Change written_rows(const Rows& rows, const Tensor& factor) {
  return [rows, factor](const Tensor& y) {
    const auto part = [rows](const Tensor& x) { return x.narrow(-1, rows.first, rows.count); };
    return with_gradient(
        y, {y, factor}, [part, from = y.detach(), shape = factor.detach()](const Tensor& g) {
          return std::vector<Tensor>{g, block_products(part(from), part(g), shape)};
        });
  };
}

void install_residual(Block& block, const Layout& layout, const Tensor& factor) {
  for (const Stage& stage : layout.stages)
    if (reads_residual(layout.rotation, stage.linears.front()))
      read_at_stage(block, stage.name, factor);
  for (auto& [name, linear] : block.linears) {
    if (!in_a_stage(layout, name) && reads_residual(layout.rotation, name))
      surround(linear, [factor](const Tensor& x) { return read_through(x, factor); }, {});
    if (has(layout.rotation.residual_writers, name))
      surround(linear, {}, written(factor));
  }
}

void install_value_output(Block& block, const Layout& layout, const Tensor& factor) {
  for (const Stage& stage : layout.stages)
    if (has(stage.linears, layout.rotation.value_reader))
      read_at_stage(block, stage.name, factor);
  for (const Rows& rows : layout.rotation.values)
    surround(block.linears.at(rows.linear), {}, written_rows(rows, factor));
}

} // namespace

void install_basis_factors(Block& block, const Model& model, const BasisFactors& factors) {
  if (factors.residual.defined())
    install_residual(block, *model.layout, factors.residual);
  if (factors.value_output.defined())
    install_value_output(block, *model.layout, factors.value_output);
}

} // namespace latticelens
