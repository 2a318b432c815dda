#include "model/families/fused_experts.h"

#include "core/error.h"
#include "model/families/experts.h"
#include <ATen/ATen.h>
#include <charconv>
#include <optional>

namespace latticelens::fused_experts {
namespace {

const std::string fused_pair = "gate_up_proj", fused_down = "down_proj";

/// "model.layers.0.mlp.experts.3.up_proj.weight" taken apart.
struct Part {
  std::string before; // "model.layers.0.mlp.experts."
  std::int64_t expert;
  std::string linear, end; // "up_proj", ".weight"
  std::string fused() const { return before + (linear == down ? fused_down : fused_pair); }
};

std::optional<Part> part_of(const std::string& name, std::int64_t count) {
  const std::string marker = std::string(experts) + ".";
  const std::size_t at = name.find(marker);
  if (at == std::string::npos)
    return std::nullopt;
  const std::size_t number = at + marker.size(), dot = name.find('.', number),
                    end = dot == std::string::npos ? dot : name.find('.', dot + 1);
  if (end == std::string::npos)
    return std::nullopt;
  Part part{name.substr(0, number), 0, name.substr(dot + 1, end - dot - 1), name.substr(end)};
  const auto [stop, error] = std::from_chars(name.data() + number, name.data() + dot, part.expert);
  const bool known = part.linear == gate || part.linear == up || part.linear == down;
  return error == std::errc() && stop == name.data() + dot && known && part.expert >= 0 &&
                 part.expert < count
             ? std::optional(part)
             : std::nullopt;
}

class FusedExperts : public TensorSource {
 public:
  FusedExperts(std::shared_ptr<const TensorSource> stored, std::int64_t count)
      : stored_(std::move(stored)), count_(count) {}

  bool has(const std::string& name) const override {
    return stored_->has(name) || !stored_name(name).empty();
  }

  Tensor load(const std::string& name) const override {
    const std::string fused = stored_->has(name) ? "" : stored_name(name);
    if (fused.empty())
      return stored_->load(name);
    const Part part = *part_of(name, count_);
    const Tensor all = stored_->load(fused);
    require(all.dim() >= 2 && all.size(0) == count_, "model",
            fused + ": is not of " + std::to_string(count_) + " experts");
    Tensor own = all.select(0, part.expert);
    if (part.end == ".weight")
      own = own.t(); // stored [in, out]
    if (part.linear != down)
      own = own.slice(0, part.linear == gate ? 0 : 1, std::nullopt, 2);
    return part.end == ".weight_packed" ? own.flatten(1).contiguous() : own.contiguous();
  }

  std::vector<std::string> names() const override { return stored_->names(); }
  std::string stored_type(const std::string& name) const override {
    const std::string fused = stored_->has(name) ? "" : stored_name(name);
    const auto part = part_of(name, count_);
    if (fused.empty() && part && stored_->has(part->fused() + "_blocks"))
      return "MXFP4";
    return stored_->stored_type(fused.empty() ? name : fused);
  }
  void release_pages() const override { stored_->release_pages(); }

 private:
  /// The fused tensor that holds it; empty: none.
  std::string stored_name(const std::string& name) const {
    const auto part = part_of(name, count_);
    if (!part)
      return "";
    const std::pair<const char*, const char*> ends[] = {{".weight", ""},
                                                        {".bias", "_bias"},
                                                        {".weight_packed", "_blocks"},
                                                        {".weight_scale", "_scales"}};
    for (const auto& [end, fused_end] : ends)
      if (part->end == end && stored_->has(part->fused() + fused_end))
        return part->fused() + fused_end;
    return "";
  }

  std::shared_ptr<const TensorSource> stored_;
  std::int64_t count_;
};

std::vector<std::string> parts(const Config& config, const char* linear, const char* end) {
  std::vector<std::string> names;
  for (std::int64_t e = 0; e < config.experts; ++e)
    names.push_back(std::string(experts) + "." + std::to_string(e) + "." + linear + end);
  return names;
}

/// The first half of the parts is the gates', the second the up projections'.
Tensor join_pair(const std::vector<Tensor>& all) {
  const auto half = static_cast<std::ptrdiff_t>(all.size() / 2);
  return alternating(at::stack(std::vector<Tensor>(all.begin(), all.begin() + half)),
                     at::stack(std::vector<Tensor>(all.begin() + half, all.end())));
}

Tensor join_pair_weights(const std::vector<Tensor>& all) {
  return join_pair(all).transpose(1, 2).contiguous();
}

Tensor join(const std::vector<Tensor>& all) {
  return at::stack(all);
}

Tensor join_weights(const std::vector<Tensor>& all) {
  return join(all).transpose(1, 2).contiguous();
}

std::vector<std::string> pair_parts(const Config& config, const char* end) {
  std::vector<std::string> names = parts(config, gate, end);
  const std::vector<std::string> ups = parts(config, up, end);
  names.insert(names.end(), ups.begin(), ups.end());
  return names;
}

} // namespace

Tensor alternating(const Tensor& gates, const Tensor& ups) {
  return at::stack({gates, ups}, 2).flatten(1, 2);
}

std::shared_ptr<const TensorSource> open(std::shared_ptr<const TensorSource> stored,
                                         const Config& config) {
  return std::make_shared<FusedExperts>(std::move(stored), config.experts);
}

std::vector<JoinedTensor> joined(const Config& c) {
  const std::string prefix = std::string(experts) + ".";
  return {{prefix + fused_pair,
           {c.experts, c.hidden, 2 * c.intermediate},
           pair_parts(c, ".weight"),
           join_pair_weights},
          {prefix + fused_pair + "_bias",
           {c.experts, 2 * c.intermediate},
           pair_parts(c, ".bias"),
           join_pair},
          {prefix + fused_down,
           {c.experts, c.intermediate, c.hidden},
           parts(c, down, ".weight"),
           join_weights},
          {prefix + fused_down + "_bias", {c.experts, c.hidden}, parts(c, down, ".bias"), join}};
}

} // namespace latticelens::fused_experts
