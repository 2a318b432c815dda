// The linears of a run added up by kind ("self_attn.q_proj") and layer: what every chart reads.
#pragma once
#include "report/run_data.h"

namespace latticelens::report {

/// Sums over the linears of one cell.
struct Sums {
  double error = 0, nearest_error = 0, energy = 0;
  std::int64_t weights = 0, clipped = 0;
  std::map<int, std::int64_t> scale_exponents;

  double relative_error() const { return energy > 0 ? error / energy : absent; }
  double relative_nearest() const { return energy > 0 ? nearest_error / energy : absent; }
  double clipped_share() const {
    return weights > 0 ? static_cast<double>(clipped) / static_cast<double>(weights) : absent;
  }
  void add(const Sums& other);
};

struct Kind {
  std::string name;  // "self_attn.q_proj"; numbers between dots (experts) are "*"
  std::string label; // "q_proj", or the name where that would be ambiguous
  int color = 0;     // of the style sheet's classes c0 ... c7
};

struct LayerTable {
  std::vector<Kind> kinds; // in the order in which the file has them
  std::int64_t layers = 0; // the highest number + 1
  bool has_rows = false;
  bool of_outputs = false; // else the errors are of the weights, and nearest_error is absent

  const Sums* find(std::size_t kind, std::int64_t layer) const;
  Sums of_kind(std::size_t kind) const;
  Sums of_layer(std::int64_t layer) const;
  Sums total() const;

  std::map<std::pair<std::size_t, std::int64_t>, Sums> cells;
};

/// The median of the finite values; absent without any.
double median(std::vector<double> values);

/// Over single linears: relative error, and error as a share of rounding to nearest's.
double median_relative_error(const RunData& run, bool of_outputs);
double median_of_nearest(const RunData& run);

/// One linear's sums, from its outputs or its weights.
Sums sums_of(const LinearRow& row, bool of_outputs);

LayerTable layer_table(const RunData& run);

} // namespace latticelens::report
