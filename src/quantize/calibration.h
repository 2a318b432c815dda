// The calibration stream: the states of all windows, advanced through one block stage by stage.
#pragma once
#include "model/model.h"
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
  /// Moments of the input of stage `s`; earlier stages of the block must be done.
  Moments collect(const Block& block, std::size_t s);
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

} // namespace latticelens
