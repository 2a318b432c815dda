// What one block of a model consists of: its tensors, its stages, and the weights that a change of
// basis touches.
#pragma once
#include "model/block.h"

namespace latticelens {

/// One linear of a block: its shape follows from the config.
struct LinearShape {
  std::string name;
  std::int64_t out, in;
  bool biased = false; // the bias must be there; else it may be
};

struct NormShape {
  std::string name;
  std::int64_t width;
};

/// Rows [first, first + count) of a linear.
struct Rows {
  std::string linear;
  std::int64_t first, count;
};

/// An input that is rotated while the model runs.
struct OnlineInput {
  std::string stage;  // whose input it is
  std::string reader; // the linear whose columns carry the matrix
  /// Rows that carry the matrix's signs; empty where a nonlinear function stands between, and the
  /// matrix goes without signs.
  std::vector<Rows> signed_rows;
};

/// Which weights a change of basis at a site touches, and on which side.
struct RotationSites {
  std::vector<std::pair<std::string, std::vector<std::string>>>
      norm_readers;                          // norm -> linears that read the normed stream
  std::vector<std::string> residual_writers; // their outputs add to the stream
  std::vector<Rows> values;                  // R2: whole key-value heads
  std::string value_reader;                  // R2: columns of each query head
  std::vector<OnlineInput> down;             // R4
};

struct Layout {
  std::vector<LinearShape> linears; // those that no stage names are not quantized
  std::vector<NormShape> norms;
  std::vector<Stage> stages;
  RotationSites rotation;
  std::string sinks = {}; // the tensor of Block::sinks; empty: there is none
};

/// Error: no linear has the name.
const LinearShape& shape_of(const Layout& layout, const std::string& linear);

bool in_a_stage(const Layout& layout, const std::string& linear);

} // namespace latticelens
