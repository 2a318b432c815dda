// The algorithms of the papers as they are written there, one row and one coordinate at a time, in
// fp64: to read beside the papers, and to check the fast form against (Birnick §2; Chen et al. §4).
#pragma once
#include "lattice/babai.h"
#include <memory>
#include <string>

namespace latticelens {

/// A generator of the lattice: x [k, n] = q [k, n] l [n, n], q with orthonormal columns, l lower
/// triangular with positive diagonal.
struct Generator {
  Tensor x, q, l; // fp64
};

/// x = L itself, which generates the same lattice up to rotation (Chen et al., Theorem 1).
Generator generator_of(const Tensor& l);
/// QL of x [k, n], k >= n.
Generator generator_of_inputs(const Tensor& x);

/// One row on its way: what is rounded next, and what rounding it changes.
class PaperForm {
 public:
  virtual ~PaperForm() = default;
  virtual void start(const std::vector<double>& w) = 0;
  /// The real number that coordinate i rounds.
  virtual double value(std::int64_t i) = 0;
  virtual void take(std::int64_t i, double v) = 0;
  /// The real minimiser of coordinates first .. last - 1, all before them being rounded.
  virtual std::vector<double> rest(std::int64_t first, std::int64_t last) = 0;
};

struct PaperFormRow {
  const char* name;
  const char* help;
  std::unique_ptr<PaperForm> (*make)(const Generator&);
};

/// Every form there is.
const std::vector<PaperFormRow>& paper_forms();

/// Shapes and choice of steps as in `babai`, whose values every form gives; one candidate, no
/// panels.
BabaiResult round_by_paper(const PaperFormRow& form, const Generator& generator,
                           const Tensor& weights, const ElementGrid& grid,
                           const BabaiOptions& options, const ChooseSteps& choose);

} // namespace latticelens
