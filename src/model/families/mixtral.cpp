#include "model/families/mixtral.h"

#include "core/error.h"
#include "model/families/parts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const std::string router = "block_sparse_moe.gate", norm_name = "post_attention_layernorm";

Config read_config(const Json& json, const std::string& where) {
  Config config = read_decoder_config(json, where, {.norm_epsilon = 1e-5});
  config.family = "mixtral";
  read_window(json, where, /*fallback=*/0, config);
  constexpr std::int64_t most = 1024;
  config.experts = member_or<std::int64_t>(json, "num_local_experts", 8, where);
  config.experts_per_token = member_or<std::int64_t>(json, "num_experts_per_tok", 2, where);
  require(config.experts > 0 && config.experts <= most && config.experts_per_token > 0 &&
              config.experts_per_token <= config.experts,
          "config",
          where + ": " + std::to_string(config.experts_per_token) + " of " +
              std::to_string(config.experts) + " experts a token; at most " + std::to_string(most) +
              " experts are supported");
  return config;
}

std::string expert_linear(std::int64_t expert, const char* name) {
  return "block_sparse_moe.experts." + std::to_string(expert) + "." + name;
}

std::string expert_stage(std::int64_t expert, const char* end) {
  return "expert_" + std::to_string(expert) + "_" + end;
}

/// What the router and every expert read, a row a token.
Tensor rows(const Block& block, const State& state, const Config& config) {
  return block.norms.at(norm_name)(state.x, config.norm_epsilon).flatten(0, -2);
}

/// The tokens that go to one expert, and how much its result counts for each.
struct Routed {
  Tensor tokens, weights; // [m], [m, 1]
};

Routed route(const Block& block, const Tensor& rows, std::int64_t expert, const Config& config) {
  const Tensor shares = block.linears.at(router)(rows).softmax(-1);
  const auto [best, experts] = shares.topk(config.experts_per_token, -1);
  const Tensor weights = best / best.sum(-1, /*keepdim=*/true), chosen = experts == expert;
  const Tensor tokens = chosen.any(-1).nonzero().squeeze(1);
  return {tokens, (weights * chosen).sum(-1, true).index_select(0, tokens)};
}

Tensor gated(const Block& block, const Tensor& x, std::int64_t expert) {
  return at::silu(block.linears.at(expert_linear(expert, "w1"))(x))
      .mul_(block.linears.at(expert_linear(expert, "w3"))(x));
}

Stage input_stage(std::int64_t expert) {
  return {
      .name = expert_stage(expert, "input"),
      .linears = {expert_linear(expert, "w1"), expert_linear(expert, "w3")},
      .input =
          [expert](const Block& block, const State& state, const Config& config) {
            const Tensor all = rows(block, state, config);
            return all.index_select(0, route(block, all, expert, config).tokens).unsqueeze(0);
          },
      .advance = [expert](const Block& block, const Tensor& x, const Rope&, const Config&,
                          State& state) { state.inner = gated(block, x, expert); },
      .leaves_inner = true,
      .everywhere = [](const Block& block, const State& state,
                       const Config& config) { return rows(block, state, config).unsqueeze(0); }};
}

/// Adds the expert's share to what is beside the stream; the last expert's is added to the stream.
Stage output_stage(std::int64_t expert) {
  return {.name = expert_stage(expert, "output"),
          .linears = {expert_linear(expert, "w2")},
          .input = inner,
          .advance =
              [expert](const Block& block, const Tensor& x, const Rope&, const Config& config,
                       State& state) {
                const Routed routed = route(block, rows(block, state, config), expert, config);
                const Tensor share =
                    block.linears.at(expert_linear(expert, "w2"))(x).squeeze(0) * routed.weights;
                const Tensor before =
                    state.beside.defined() ? state.beside : at::zeros_like(state.x);
                state.beside =
                    before.flatten(0, -2).index_add(0, routed.tokens, share).view(state.x.sizes());
                state.inner = Tensor();
                if (expert + 1 < config.experts)
                  return;
                state.x = state.x + state.beside;
                state.beside = Tensor();
              },
          .everywhere =
              [expert](const Block& block, const State& state, const Config& config) {
                const Tensor all = prepared(block, expert_stage(expert, "input"),
                                            rows(block, state, config).unsqueeze(0));
                return gated(block, all, expert);
              }};
}

Layout layout(const Config& c) {
  Layout layout = llama_layout(c);
  RotationSites& rotation = layout.rotation;
  layout.linears.resize(4); // attention's
  layout.stages.resize(2);
  layout.linears.push_back({router, c.experts, c.hidden});
  rotation.down.clear();
  rotation.residual_writers = {"self_attn.o_proj"};
  std::vector<std::string>& readers = rotation.norm_readers.back().second;
  readers = {router};
  for (std::int64_t e = 0; e < c.experts; ++e) {
    const std::string gate = expert_linear(e, "w1"), down = expert_linear(e, "w2"),
                      up = expert_linear(e, "w3");
    layout.linears.push_back({gate, c.intermediate, c.hidden});
    layout.linears.push_back({down, c.hidden, c.intermediate});
    layout.linears.push_back({up, c.intermediate, c.hidden});
    layout.stages.push_back(input_stage(e));
    layout.stages.push_back(output_stage(e));
    readers.insert(readers.end(), {gate, up});
    rotation.residual_writers.push_back(down);
    rotation.down.push_back({expert_stage(e, "output"), down, {{up, 0, c.intermediate}}});
  }
  return layout;
}

} // namespace

Family mixtral_family() {
  return {.name = "mixtral",
          .help = "Mixtral 8x7B, 8x22B",
          .model_types = {"mixtral"},
          .read_config = read_config,
          .layout = layout,
          .gguf = {},
          .names = {}};
}

} // namespace latticelens
