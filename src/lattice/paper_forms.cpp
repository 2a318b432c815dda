#include "lattice/paper_forms.h"

#include "core/error.h"
#include "core/random.h"
#include "tensor/single_thread.h"
#include <ATen/ATen.h>
#include <cmath>

namespace latticelens {
namespace {

using Vector = std::vector<double>;

/// Columns of a matrix as vectors.
std::vector<Vector> columns_of(const Tensor& matrix) {
  const Tensor transposed = matrix.t().contiguous();
  const double* data = transposed.const_data_ptr<double>();
  const std::int64_t rows = matrix.size(0);
  std::vector<Vector> columns;
  for (std::int64_t j = 0; j < matrix.size(1); ++j)
    columns.emplace_back(data + j * rows, data + (j + 1) * rows);
  return columns;
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

void add(Vector& to, double factor, const Vector& from) {
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] += factor * from[i];
}

/// GPTQ: the weights themselves move, along the columns of L⁻¹ (parameter space).
class ParameterSpace : public PaperForm {
 public:
  explicit ParameterSpace(const Generator& g) : inverse_(columns_of(at::linalg_inv(g.l))) {}
  void start(const Vector& w) override { w_ = w; }
  double value(std::int64_t i) override { return w_[i]; }
  void take(std::int64_t i, double v) override {
    add(w_, (v - w_[i]) / inverse_[i][i], inverse_[i]);
  }
  Vector rest(std::int64_t first, std::int64_t last) override {
    return {w_.begin() + first, w_.begin() + last};
  }

 protected:
  std::vector<Vector> inverse_;
  Vector w_;
};

/// BABAI: a target in the space of the data loses a multiple of a basis vector (data space).
class DataSpace : public PaperForm {
 public:
  explicit DataSpace(const Generator& g)
      : x_(columns_of(g.x)), q_(columns_of(g.q)), l_(columns_of(g.l)) {}
  void start(const Vector& w) override {
    target_.assign(x_.front().size(), 0);
    for (std::size_t j = 0; j < w.size(); ++j)
      add(target_, w[j], x_[j]);
  }
  double value(std::int64_t i) override { return dot(target_, q_[i]) / l_[i][i]; }
  void take(std::int64_t i, double v) override { add(target_, -v, x_[i]); }
  Vector rest(std::int64_t first, std::int64_t last) override {
    Vector solved;
    for (std::int64_t k = first; k < last; ++k) {
      double sum = dot(target_, q_[k]);
      for (std::int64_t j = first; j < k; ++j)
        sum -= l_[j][k] * solved[j - first];
      solved.push_back(sum / l_[k][k]);
    }
    return solved;
  }

 protected:
  std::vector<Vector> x_, q_, l_;
  Vector target_;
};

/// BABAI with kappa: the target may be shifted along directions that are done with.
class ShiftedDataSpace : public DataSpace {
 public:
  using DataSpace::DataSpace;
  void take(std::int64_t i, double v) override {
    DataSpace::take(i, v);
    add(target_, 20 * random_.uniform() - 10, q_[i]); // any kappa at all
  }

 private:
  Random random_{1};
};

/// GPTQ-REC: the rest is a smaller problem of the same kind, with its own weights and factor.
class Recursion : public PaperForm {
 public:
  explicit Recursion(const Generator& g) : inverse_(columns_of(at::linalg_inv(g.l))) {}
  void start(const Vector& w) override { w_ = w; }
  double value(std::int64_t) override { return w_.front(); }
  void take(std::int64_t i, double v) override {
    // The factor of the smaller problem is the lower right part of L, its inverse that of L⁻¹.
    const Vector& column = inverse_[i];
    const double factor = (v - w_.front()) / column[i];
    Vector smaller;
    for (std::size_t k = 1; k < w_.size(); ++k)
      smaller.push_back(w_[k] + factor * column[i + k]);
    w_ = std::move(smaller);
  }
  Vector rest(std::int64_t first, std::int64_t last) override {
    return {w_.begin(), w_.begin() + (last - first)};
  }

 protected:
  std::vector<Vector> inverse_;
  Vector w_; // of the coordinates that remain
};

/// BABAI-PROJ-REC: as GPTQ-REC, but what is rounded is measured in the space of the data, where the
/// target is projected onto the lattice that remains.
class ProjectedRecursion : public Recursion {
 public:
  explicit ProjectedRecursion(const Generator& g)
      : Recursion(g), x_(columns_of(g.x)), q_(columns_of(g.q)), l_(columns_of(g.l)) {}
  double value(std::int64_t i) override {
    Vector target(x_.front().size());
    for (std::size_t k = 0; k < w_.size(); ++k)
      add(target, w_[k], x_[i + k]);
    return dot(target, q_[i]) / l_[i][i];
  }

 private:
  std::vector<Vector> x_, q_, l_;
};

template<class Form>
std::unique_ptr<PaperForm> make(const Generator& generator) {
  return std::make_unique<Form>(generator);
}

} // namespace

Generator generator_of(const Tensor& l) {
  return {l, at::eye(l.size(0), at::kDouble), l};
}

Generator generator_of_inputs(const Tensor& x) {
  require(x.size(0) >= x.size(1), "lattice",
          "inputs of " + std::to_string(x.size(0)) + " tokens for " + std::to_string(x.size(1)) +
              " channels span no lattice; append sqrt(lambda) I");
  const SingleThreadMkl one_thread;
  const auto [q, r] = at::linalg_qr(x.flip(1)); // QR of the reversed columns is QL
  const Tensor signs = at::where(r.diagonal() < 0, -1.0, 1.0).to(at::kDouble);
  return {x, (q * signs).flip(1).contiguous(), (r * signs.unsqueeze(1)).flip({0, 1}).contiguous()};
}

const std::vector<PaperFormRow>& paper_forms() {
  static const std::vector<PaperFormRow> table = {
      {"gptq-inverse", "GPTQ in parameter space, with the inverse factor", make<ParameterSpace>},
      {"babai", "Babai's nearest plane in the space of the data", make<DataSpace>},
      {"gptq-rec", "GPTQ as a recursion", make<Recursion>},
      {"babai-proj-rec", "Babai's recursion with a projection", make<ProjectedRecursion>},
      {"babai-kappa", "Babai with arbitrary shifts of the target", make<ShiftedDataSpace>},
  };
  return table;
}

BabaiResult round_by_paper(const PaperFormRow& row, const Generator& generator,
                           const Tensor& weights, const ElementGrid& grid,
                           const BabaiOptions& options, const ChooseSteps& choose) {
  require(options.candidates == 1 && !options.steps_per_panel, "rounding",
          std::string(row.name) +
              " is the paper's own text: use scales=current or static, or rounding=gptq");
  const std::int64_t n = weights.size(0), rows = weights.size(1);
  BabaiResult result{at::empty({n, rows}, at::kFloat), at::empty({n, rows}, at::kFloat), {}};
  const auto form = row.make(generator);
  for (std::int64_t r = 0; r < rows; ++r) {
    const Tensor w = weights.select(1, r).to(at::kDouble).contiguous();
    form->start({w.const_data_ptr<double>(), w.const_data_ptr<double>() + n});
    std::vector<float> steps(n), values(n);
    for (std::int64_t i = 0; i < n; ++i) {
      if (i % options.block == 0) {
        const std::int64_t last = std::min(i + options.block, n);
        const Vector rest = form->rest(i, last);
        choose({r, 1, i, last - i}, std::vector<float>(rest.begin(), rest.end()).data(), 0,
               &steps[i]);
      }
      const double scaled = form->value(i) / steps[i];
      result.clipped += std::fabs(scaled) > outer_edge(grid);
      values[i] = static_cast<float>(snap(scaled, grid) * steps[i]);
      form->take(i, values[i]);
    }
    result.values.select(1, r).copy_(at::tensor(values));
    result.steps.select(1, r).copy_(at::tensor(steps));
  }
  const Tensor left = weights.to(at::kDouble) - result.values;
  result.errors = at::matmul(generator.l, left).square().sum(0);
  return result;
}

} // namespace latticelens
