// Errors of one format under each rotation, over the error without rotation: what the tables of
// formats are made of.
#pragma once
#include "analysis/sample.h"
#include "analysis/statistics.h"

namespace latticelens {

struct FormatErrors {
  Format format;
  Ratios none = {};             // relative error itself, without rotation
  Ratios full = {}, block = {}; // over none; block: rotations of the setting's block size

  /// Nothing when the format's blocks do not divide the width.
  void see(const Sample& sample) {
    if (!divides(format, sample.width()))
      return;
    const double plain = sample.relative_error(format, Rotation::none);
    none.add(plain, 1);
    full.add(sample.relative_error(format, Rotation::full), plain);
    block.add(sample.relative_error(format, Rotation::block), plain);
  }
};

} // namespace latticelens
