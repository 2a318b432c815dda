#include "model/shared_rows.h"

#include "core/error.h"
#include "model/attention.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

std::int64_t longest_of(const std::vector<SharedRows>& batches) {
  std::int64_t longest = 1;
  for (const SharedRows& batch : batches)
    for (const Tensor& sequence : batch.sequences)
      longest = std::max(longest, sequence.numel());
  return longest;
}

std::vector<Tensor> placed(const std::vector<Tensor>& sequences, Device device) {
  std::vector<Tensor> all;
  for (const Tensor& rows : sequences)
    all.push_back(rows.to(device));
  return all;
}

} // namespace

Tensor attend_sequences(const Tensor& q, const Tensor& k, const Tensor& v, const Rope& rope,
                        const Config& config, std::int64_t window, const HeadFunctions& functions,
                        const Tensor& sinks) {
  const Rope plain{rope.cosine, rope.sine};
  Tensor mixed = at::empty_like(q);
  for (const Tensor& rows : rope.sequences) {
    const auto part = [&](const Tensor& x) { return x.index_select(1, rows); };
    // Rows of a shared beginning are written once a sequence, each time with the same bytes.
    mixed.index_copy_(1, rows,
                      attend(part(q), part(k), part(v), plain, config, window, functions, sinks));
  }
  return mixed;
}

std::vector<Tensor> run_decoder(const Model& model, const std::vector<SharedRows>& batches,
                                const std::function<void()>& each_block) {
  const std::int64_t longest = longest_of(batches);
  require(!is_long(model.config, longest), "tasks",
          "a sequence of " + std::to_string(longest) +
              " tokens needs the second table of rotations that this model has for long texts; "
              "leave out that task");
  Rope rope = make_rope(model.config, longest, model.device);
  const Tensor table = load_embedding(model);
  std::vector<Tensor> hidden;
  for (const SharedRows& batch : batches)
    hidden.push_back(embed(table, batch.ids, model.config));
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer) {
    const Block block = load_block_to_run(model, layer);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      rope.sequences = placed(batches[i].sequences, model.device);
      hidden[i] = run_block(model, block, rope, hidden[i]);
    }
    if (each_block)
      each_block();
  }
  const Norm norm = load_final_norm(model);
  for (Tensor& x : hidden)
    x = norm(x, model.config.norm_epsilon).squeeze(0);
  return hidden;
}

} // namespace latticelens
