// The table of transforms and sites, and names to transforms.
#include "core/error.h"
#include "core/words.h"
#include "transforms/hadamard.h"
#include "transforms/separation.h"
#include "transforms/transform.h"
#include <charconv>

namespace latticelens {
namespace {

std::int64_t parse_size(std::string_view text, std::string_view whole) {
  std::int64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  require(error == std::errc() && end == text.data() + text.size() && size > 0, "transform",
          "\"" + std::string(text) + "\" in \"" + std::string(whole) +
              "\" is no size; write for example hadamard:32@residual");
  return size;
}

const TransformRow* find_kind(std::string_view name) {
  for (const TransformRow& row : transforms())
    if (name == row.name)
      return &row;
  return nullptr;
}

/// What a site takes: the stream stands on both sides of every norm, scores are products of
/// queries and keys; both take rotations only.
bool acts_at(const TransformRow& row, Site site) {
  if (site == Site::residual)
    return row.make || row.fit_stream;
  return row.make || (row.fit && site != Site::query_key);
}

} // namespace

const std::vector<TransformRow>& transforms() {
  static const std::vector<TransformRow> table = {
      {"hadamard", "Hadamard matrix with random signs; hadamard:32 repeats one block of 32",
       make_hadamard, fit_hadamard},
      {"aware",
       "equal second moments of inputs and weights, then Hadamard (WUSH), from calibration; not "
       "for the stream, nor for queries and keys",
       nullptr, fit_aware},
      {"separated",
       "keeps apart what the stream is strong in and what its readers' weights are, then Hadamard "
       "matrices of the given size, from calibration; for the stream only",
       nullptr, nullptr, separate},
  };
  return table;
}

const std::vector<SiteRow>& sites() {
  static const std::vector<SiteRow> table = {
      {"residual", "the stream between blocks (R1), folded into the weights", Site::residual},
      {"value_output", "each head's values (R2), folded into the weights", Site::value_output},
      {"query_key", "each head's queries and keys after the rotary positions (R3), online; for kv=",
       Site::query_key},
      {"down_input", "the input of down_proj (R4), online; its signs are folded", Site::down_input},
      {"inputs", "the input of every linear, online, a matrix for each block", Site::inputs},
  };
  return table;
}

TransformSpec parse_transform(std::string_view text) {
  const std::size_t at = text.find('@');
  require(at != std::string_view::npos, "transform",
          "\"" + std::string(text) + "\" names no site; write KIND[:SIZE]@SITE with a site of " +
              names_of(sites()));
  const std::string_view head = text.substr(0, at), place = text.substr(at + 1);
  const std::size_t colon = head.find(':');
  TransformSpec spec{.kind = std::string(head.substr(0, colon))};
  require(find_kind(spec.kind) != nullptr, "transform",
          "\"" + spec.kind + "\" is unknown; known: " + names_of(transforms()));
  if (colon != std::string_view::npos)
    spec.size = parse_size(head.substr(colon + 1), text);
  for (const SiteRow& row : sites())
    if (place == row.name) {
      spec.site = row.site;
      return spec;
    }
  throw Error("transform",
              "\"" + std::string(place) + "\" is no site; known: " + names_of(sites()));
}

std::string to_text(const TransformSpec& spec) {
  std::string text = spec.kind;
  if (spec.size > 0)
    text += ":" + std::to_string(spec.size);
  for (const SiteRow& row : sites())
    if (row.site == spec.site)
      text += "@" + std::string(row.name);
  return text;
}

std::unique_ptr<Transform> make_transform(const TransformSpec& spec, const TransformPlace& place) {
  check_transform(spec, place.width);
  const TransformRow& row = *find_kind(spec.kind);
  require(row.make != nullptr, "transform",
          to_text(spec) + ": follows from calibration; it cannot be drawn");
  return row.make(spec, place);
}

bool needs_calibration(const TransformSpec& spec) {
  return find_kind(spec.kind)->make == nullptr;
}

void check_transform(const TransformSpec& spec, std::int64_t width) {
  const TransformRow& row = *find_kind(spec.kind);
  require(acts_at(row, spec.site), "transform",
          to_text(spec) + ": " + spec.kind + " cannot act at this site; write for example " +
              to_text({"hadamard", spec.size, spec.site}));
  require(row.make || spec.site != Site::residual || spec.size > 0, "transform",
          to_text(spec) + ": say for which blocks; write for example " +
              to_text({spec.kind, 32, spec.site}));
  require(spec.size == 0 || width % spec.size == 0, "transform",
          "blocks of " + std::to_string(spec.size) + " do not divide the width " +
              std::to_string(width) + " at " + to_text(spec));
}

Tensor fit_input_transform(const TransformSpec& spec, const BlockMoments& moments) {
  return find_kind(spec.kind)->fit(moments);
}

Tensor fit_stream_rotation(const TransformSpec& spec, const std::vector<StreamReader>& readers,
                           const Tensor& kept, const SeparationSteps& steps) {
  return find_kind(spec.kind)->fit_stream(readers, kept, spec.size, steps);
}

} // namespace latticelens
