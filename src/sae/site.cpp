#include "sae/site.h"

#include "core/error.h"
#include <charconv>

namespace latticelens {

ActivationSite parse_site(const std::string& text, const Config& config) {
  const std::string prefix = "block:";
  ActivationSite site;
  const char* const end = text.data() + text.size();
  const bool named = text.starts_with(prefix);
  const auto [stop, error] =
      std::from_chars(text.data() + (named ? prefix.size() : 0), end, site.blocks);
  require(named && error == std::errc() && stop == end && site.blocks >= 0 &&
              site.blocks <= config.layers,
          "sae",
          "there is no site \"" + text + "\"; this model has block:0 (the embedding) to block:" +
              std::to_string(config.layers) + " (the residual stream after so many blocks)");
  return site;
}

std::string to_text(const ActivationSite& site) {
  return "block:" + std::to_string(site.blocks);
}

} // namespace latticelens
