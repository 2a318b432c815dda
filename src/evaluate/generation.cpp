#include "evaluate/generation.h"

#include "core/error.h"
#include "core/progress.h"
#include <ATen/ATen.h>

namespace latticelens {

Generation generate(Decoding& decoding, const GenerationRequest& request,
                    const std::function<void(TokenId)>& each) {
  require(!request.prompt.empty(), "generate",
          "the prompt has no token, and the model has no token that begins a text; give a prompt");
  check_sampling(request.sampling);
  Random random(derived_seed(request.seed, "generate"));
  Generation result;
  Stopwatch watch;
  Tensor logits = decoding.read(at::tensor(request.prompt, at::kInt).to(at::kLong));
  result.prefill_seconds = watch.seconds();
  while (static_cast<std::int64_t>(result.ids.size()) < request.tokens) {
    const auto id = static_cast<TokenId>(choose_token(logits, request.sampling, random));
    if ((result.ended = request.ends.contains(id)))
      break;
    result.ids.push_back(id);
    if (each)
      each(id);
    if (static_cast<std::int64_t>(result.ids.size()) < request.tokens)
      logits = decoding.read(at::tensor({std::int64_t{id}}, at::kLong));
  }
  result.seconds = watch.seconds() - result.prefill_seconds;
  return result;
}

std::set<TokenId> end_tokens(const Model& model) {
  const auto file = model.path / "generation_config.json";
  const bool own = std::filesystem::is_regular_file(file);
  const std::string where = own ? file.string() : model.path.string();
  Json named = member_or<Json>(own ? read_json(file) : model.config.source, "eos_token_id",
                               Json::array(), where);
  if (!named.is_array())
    named = Json::array({named});
  std::set<TokenId> ends;
  for (const Json& id : named) {
    require(id.is_number_integer(), "generate",
            where + ": eos_token_id must be a number or a list of numbers");
    ends.insert(id.get<TokenId>());
  }
  return ends;
}

} // namespace latticelens
