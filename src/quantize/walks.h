// The models on their way through the calibration text, block by block.
#pragma once
#include "core/time_table.h"
#include "quantize/activations.h"
#include "quantize/calibration.h"
#include "quantize/input_bases.h"
#include "quantize/request.h"
#include "quantize/rotations.h"
#include "tensor/safetensors.h"

namespace latticelens {

/// A block as the layer loop meets it: folded, with what the request has learned, its input
/// functions set, and what is not quantized rounded as the shard will store it.
Block folded_block(const QuantizeRequest& request, const Rotations& rotations, std::int64_t layer,
                   const ActivationSpec& activations);

/// The quantized model's walk and, when the method aims at the original outputs, the original's.
class Walks {
 public:
  /// Embeds the calibration windows, if there are any.
  Walks(const QuantizeRequest& request, const Rotations& rotations);

  bool empty() const { return quantized_.stream.empty(); }
  /// The block in hand: its weights are replaced as they are rounded.
  Block& block() { return quantized_.block; }
  const ActivationCounts& activation_counts() const { return *activations_.counts; }

  /// Loads and folds a block; what is not quantized is rounded as the shard will store it.
  void load(std::int64_t layer);
  /// Chooses what a stage's input has of its own, if the method has any of that, and brings the
  /// walks into its basis.
  InputBasis choose_input_basis(std::size_t stage);
  StageMoments collect(std::size_t stage) const;
  void advance(std::size_t stage, TimeTable& times);
  /// For a block that is loaded and was finished by an earlier run: the bases, then the weights,
  /// that its shard holds.
  void load_input_bases(const SafetensorsFile& shard);
  void load_weights(const SafetensorsFile& shard);
  /// Loads a block that an earlier run finished, with the weights that its shard holds.
  void load_finished(std::int64_t layer, const ShardFolder& shards);
  /// Runs through such a block.
  void repeat(std::int64_t layer, const ShardFolder& shards);

 private:
  void set_input_basis(const Stage& stage, const InputBasis& basis);
  CalibrationStream start_stream() const;

  const QuantizeRequest& request_;
  const Rotations& rotations_;
  FoldedImportance importance_;
  ActivationSpec activations_; // of the quantized walk
  Walk quantized_;
  std::optional<Walk> original_;
};

} // namespace latticelens
