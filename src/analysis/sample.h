// What one linear input of the model looks like: some of its rows, rotated and rounded on demand.
#pragma once
#include "analysis/block_errors.h"
#include "analysis/setting.h"
#include <map>
#include <mutex>
#include <string>

namespace latticelens {

/// Where a sample comes from. position: R1 (reads the residual stream), R2 (the heads' values), R4
/// (the feed-forward part's last input), as the block-rotation paper counts them after SpinQuant.
struct SamplePlace {
  std::int64_t layer = 0;
  std::string name, position;
  bool weights = false; // rows of a weight instead of tokens
};

/// Values [rows, width] with what several analyses ask of them, computed once, whichever thread
/// asks first.
class Sample {
 public:
  /// Errors: values that are not finite; a block that does not divide the width.
  /// readers [outputs, width]: the weights that multiply the values, if they are known.
  Sample(SamplePlace place, Tensor values, const AnalysisSetting& setting, Tensor readers = {});

  const SamplePlace& place() const { return place_; }
  const AnalysisSetting& setting() const { return setting_; }
  std::int64_t rows() const { return values_.size(0); }
  std::int64_t width() const { return values_.size(1); }
  std::int64_t block() const { return setting_.format.block; }
  double energy() const { return energy_; }
  /// Root mean square of all values: the unit in which inputs of different size are put together.
  double root_mean_square() const;

  const Tensor& readers() const { return readers_; }
  const Tensor& values(Rotation rotation = Rotation::none) const;
  /// Whether each block of the unrotated values holds an outlier.
  const std::vector<bool>& outlier_blocks() const;
  /// Blocks of the rotated values, rounded in the setting's format.
  const BlockNumbers& blocks(Rotation rotation) const;
  /// Squared error of rounding the rotated values in a format, over the energy. The format's name
  /// is its key.
  double relative_error(const Format& format, Rotation rotation) const;

 private:
  SamplePlace place_;
  Tensor values_, readers_;
  const AnalysisSetting& setting_;
  double energy_ = 0;
  mutable std::recursive_mutex computing_; // of what follows
  mutable std::map<Rotation, Tensor> rotated_;
  mutable std::map<Rotation, BlockNumbers> blocks_;
  mutable std::map<std::pair<std::string, Rotation>, double> errors_;
  mutable std::vector<bool> outlier_blocks_;
};

/// x [rows, width] in a format: as activations are rounded, or as a weight is.
Tensor rounded(const Tensor& x, const Format& format, bool weights);

/// Whether a format's blocks (a row: always) divide the width.
bool divides(const Format& format, std::int64_t width);

} // namespace latticelens
