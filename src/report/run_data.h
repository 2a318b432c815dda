// What a run's files say, with types. Optional facts that are not there are empty or `absent`;
// wrong types and impossible numbers are Errors that name the file and the line.
#pragma once
#include "report/evaluation_data.h"
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace latticelens::report {

struct ModelFacts {
  std::string path, family;
  std::int64_t layers = 0, hidden = 0, intermediate = 0, vocabulary = 0;
  bool tied = false;
};

struct CalibrationFacts {
  std::vector<std::string> files;
  std::int64_t windows = 0, window = 0, dropped_bytes = 0;
};

/// What is proven of one linear, in the norm of the damped moments: sums of squares.
struct CertificateRow {
  double error = absent, lower_bound = absent; // achieved; no choice of levels comes below
  double sphere = absent, rate_bound = absent; // of any rounding, of any code, on average
  double headroom_decibels = absent, profile_ratio = absent;
  std::vector<double> profile; // log2 L_ii at equal distances, first rounded first
};

/// What rotations did to the scales of a linear's blocks, chosen as rounding to nearest does.
struct RotationEffect {
  std::map<int, std::int64_t> before, after;
  double energy_before = absent; // of the weights, a sum of squares
};

/// One linear: a row of layers.jsonl. Errors and energies are sums of squares.
struct LinearRow {
  std::int64_t layer = 0;
  std::string linear;
  std::int64_t outputs = 0, inputs = 0, clipped = 0;
  double weight_error = absent, weight_energy = absent;
  double error = absent, nearest_error = absent, energy = absent; // absent without calibration
  std::map<int, std::int64_t> scale_exponents;
  std::optional<RotationEffect> rotation; // absent when nothing rotates
  double damping = absent;
  std::int64_t escalations = 0;
  std::optional<CertificateRow> certificate; // absent when the rounding has no lattice
};

/// A row of learning.jsonl: a step's loss on its own tokens, or the loss on tokens held out, or a
/// block's error before and after.
struct LearningRow {
  std::string learns; // "codes"
  std::int64_t step = 0, layer = 0;
  double loss = absent, held_out = absent, before = absent, after = absent;
};

struct RunData {
  std::filesystem::path folder;
  std::string method, preset, seed, dtype, calibration_dtype, program, libtorch;
  bool finished = false;
  std::optional<ModelFacts> model;
  std::optional<CalibrationFacts> calibration;
  std::vector<std::pair<std::string, double>> times; // activity, seconds
  double seconds = absent, peak_memory = absent, model_bytes = absent;
  double bits_per_weight = absent; // scales included
  std::int64_t threads = 0, resumed_blocks = 0;
  std::optional<ActivationCounts> calibration_activations;
  std::vector<LinearRow> linears;
  std::vector<EvaluationRow> evaluations;
  std::vector<TasksRow> tasks;
  std::vector<LearningRow> learning;
};

RunData read_run_data(const std::filesystem::path& folder);

} // namespace latticelens::report
