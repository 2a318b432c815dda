// The calibration stream: the states of all windows, advanced through one block stage by stage.
#pragma once
#include "model/model.h"
#include "quantize/importance.h"
#include "quantize/shards.h"
#include "rounding/rounding.h"

namespace latticelens {

class CalibrationStream {
 public:
  /// Embeds the windows. `embedding` [vocabulary, hidden] as the quantized model will have it.
  CalibrationStream(const Model& model, const Tensor& embedding, const std::vector<Tensor>& windows,
                    Storage storage);

  bool empty() const { return states_.empty(); }
  /// Bytes that the states take between blocks.
  std::int64_t bytes() const;
  std::size_t windows() const { return states_.size(); }
  const Model& model() const { return model_; }
  /// What the linears of stage `s` read in one window; earlier stages of the block must be done.
  Tensor input(const Block& block, std::size_t s, std::size_t window) const;
  /// The same if every token reached the stage.
  Tensor input_everywhere(const Block& block, std::size_t s, std::size_t window) const;
  /// What the outputs of a stage are added to in one window [1, t, hidden].
  Tensor residual(std::size_t window) const;
  /// `input` before the stage's input function.
  Tensor raw_input(const Block& block, std::size_t s, std::size_t window) const;
  /// Runs stage `s`. A stage whose result would take more than a gigabyte is put off, and repeated
  /// by those who need it.
  void advance(const Block& block, std::size_t s);
  /// All stages of a block.
  void run(const Block& block);

 private:
  State ready(const Block& block, std::size_t s, const State& stored) const;
  bool put_off(std::size_t s) const;
  Tensor store(const Tensor& x) const;

  const Model& model_;
  Storage storage_;
  Rope rope_;
  std::vector<State> states_; // in the storage dtype
};

/// A model on its way through the calibration text: its stream, and the block that is next.
struct Walk {
  CalibrationStream stream;
  Block block;
};

struct StageMoments {
  Moments moments;
  std::int64_t reached = 0; // tokens that reached the stage
  /// They were too few for its width: the moments are of all tokens, as if all had reached it.
  bool shared = false;
};

/// Moments of the input of stage `s` over all windows, beside what `original` (if any) has there.
/// Every fourth window is held out, to judge what is chosen on the others. Errors: those of
/// MomentsCollector.
/// importance: by which tokens are weighted; null: all alike. with_drift: what the outputs are
/// added to is beside it too, where they are added to the stream.
StageMoments collect_moments(const Walk& walk, std::size_t s, const Walk* original = nullptr,
                             bool with_drift = false, const Importance* importance = nullptr);

} // namespace latticelens
