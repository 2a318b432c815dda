#include "model/families/experts.h"

#include "core/error.h"
#include "model/families/parts.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

const std::string norm_name = "post_attention_layernorm";

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

/// A softmax over the chosen experts' scores: that over all, divided by its sum over the chosen.
Routed route(const Block& block, const Tensor& rows, std::int64_t expert, const ExpertNames& names,
             const Config& config) {
  const auto [best, experts] =
      block.linears.at(names.router)(rows).topk(config.experts_per_token, -1);
  const Tensor weights = best.softmax(-1), chosen = experts == expert;
  const Tensor tokens = chosen.any(-1).nonzero().squeeze(1);
  return {tokens, (weights * chosen).sum(-1, true).index_select(0, tokens)};
}

Tensor gated(const Block& block, const Tensor& x, std::int64_t expert, const Experts& experts,
             const Config& config) {
  const ExpertNames& names = experts.names;
  return experts.gated(block.linears.at(expert_linear(names, expert, names.gate))(x),
                       block.linears.at(expert_linear(names, expert, names.up))(x), config);
}

Stage input_stage(std::int64_t expert, const Experts& experts) {
  const ExpertNames& names = experts.names;
  return {
      .name = expert_stage(expert, "input"),
      .linears = {expert_linear(names, expert, names.gate), expert_linear(names, expert, names.up)},
      .input =
          [expert, names](const Block& block, const State& state, const Config& config) {
            const Tensor all = rows(block, state, config);
            return all.index_select(0, route(block, all, expert, names, config).tokens)
                .unsqueeze(0);
          },
      .advance = [expert, experts](
                     const Block& block, const Tensor& x, const Rope&, const Config& config,
                     State& state) { state.inner = gated(block, x, expert, experts, config); },
      .leaves_inner = true,
      .everywhere = [](const Block& block, const State& state,
                       const Config& config) { return rows(block, state, config).unsqueeze(0); }};
}

/// Adds the expert's share to what is beside the stream; the last expert's is added to the stream.
Stage output_stage(std::int64_t expert, const Experts& experts) {
  const ExpertNames& names = experts.names;
  const std::string down = expert_linear(names, expert, names.down);
  return {.name = expert_stage(expert, "output"),
          .linears = {down},
          .input = inner,
          .advance =
              [expert, names, down](const Block& block, const Tensor& x, const Rope&,
                                    const Config& config, State& state) {
                const Routed routed =
                    route(block, rows(block, state, config), expert, names, config);
                const Tensor share = block.linears.at(down)(x).squeeze(0) * routed.weights;
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
              [expert, experts](const Block& block, const State& state, const Config& config) {
                const Tensor all = prepared(block, expert_stage(expert, "input"),
                                            rows(block, state, config).unsqueeze(0));
                return gated(block, all, expert, experts, config);
              }};
}

} // namespace

std::string expert_linear(const ExpertNames& names, std::int64_t expert, const std::string& name) {
  return names.experts + "." + std::to_string(expert) + "." + name;
}

void read_experts(const Json& json, const std::string& where, std::int64_t usual,
                  std::int64_t usual_per_token, Config& config) {
  constexpr std::int64_t most = 1024;
  config.experts = member_or<std::int64_t>(json, "num_local_experts", usual, where);
  config.experts_per_token =
      member_or<std::int64_t>(json, "num_experts_per_tok", usual_per_token, where);
  require(config.experts > 0 && config.experts <= most && config.experts_per_token > 0 &&
              config.experts_per_token <= config.experts,
          "config",
          where + ": " + std::to_string(config.experts_per_token) + " of " +
              std::to_string(config.experts) + " experts a token; at most " + std::to_string(most) +
              " experts are supported");
}

Layout experts_layout(const Config& c, const Experts& experts, bool biased) {
  const ExpertNames& names = experts.names;
  Layout layout = llama_layout(c);
  RotationSites& rotation = layout.rotation;
  layout.linears.resize(4); // attention's
  layout.stages.resize(2);
  for (LinearShape& linear : layout.linears)
    linear.biased = c.attention_bias;
  layout.linears.push_back({names.router, c.experts, c.hidden, biased});
  rotation.down.clear();
  rotation.residual_writers = {"self_attn.o_proj"};
  std::vector<std::string>& readers = rotation.norm_readers.back().second;
  readers = {names.router};
  for (std::int64_t e = 0; e < c.experts; ++e) {
    const std::string gate = expert_linear(names, e, names.gate),
                      down = expert_linear(names, e, names.down),
                      up = expert_linear(names, e, names.up);
    layout.linears.push_back({gate, c.intermediate, c.hidden, biased});
    layout.linears.push_back({down, c.hidden, c.intermediate, biased});
    layout.linears.push_back({up, c.intermediate, c.hidden, biased});
    layout.stages.push_back(input_stage(e, experts));
    layout.stages.push_back(output_stage(e, experts));
    readers.insert(readers.end(), {gate, up});
    rotation.residual_writers.push_back(down);
    OnlineInput input{expert_stage(e, "output"), down, {}};
    if (experts.odd_in_up)
      input.signed_rows = {{up, 0, c.intermediate}};
    rotation.down.push_back(input);
  }
  return layout;
}

} // namespace latticelens
