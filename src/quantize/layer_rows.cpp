#include "quantize/layer_rows.h"

#include "tensor/total.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace latticelens {
namespace {

Json histogram_of_exponents(const Tensor& scales) {
  const Tensor sizes = scales.abs().flatten(); // of some GGUF types negative, or zero
  const Tensor exponents = sizes.index({sizes > 0}).log2().round().to(at::kLong);
  const auto [values, inverse, counts] =
      at::_unique2(exponents, /*sorted=*/true, false, /*return_counts=*/true);
  Json histogram = Json::object();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    histogram[std::to_string(values[i].item<std::int64_t>())] = counts[i].item<std::int64_t>();
  return histogram;
}

} // namespace

Json layer_row(const Format& format, std::int64_t layer, const std::string& name,
               const RoundedLinear& linear, const Moments* moments) {
  const auto& [weight, values, scales] = linear;
  SnapCounts clipped, ignored;
  format.snap(weight, scales, clipped);
  Json row = {{"layer", layer},
              {"linear", name},
              {"out", weight.size(0)},
              {"in", weight.size(1)},
              {"clipped", clipped.clipped}};
  row["weight_error"] = total((weight - values).square());
  row["weight_energy"] = total(weight.square());
  row["error"] = row["nearest_error"] = row["energy"] = nullptr;
  if (moments) {
    const Tensor nearest = format.snap(weight, format.fit(weight), ignored);
    row["error"] = output_error(weight, values, *moments);
    row["nearest_error"] = output_error(weight, nearest, *moments);
    row["energy"] = output_error(weight, at::zeros_like(weight), *moments);
    row["tokens"] = moments->samples;
  }
  row["scale_exponents"] = histogram_of_exponents(scales);
  return row;
}

Json rotation_row(const Format& format, const Tensor& weight, const Format& original_format,
                  const Tensor& original) {
  return {{"scale_exponents_before", histogram_of_exponents(original_format.fit(original))},
          {"scale_exponents_after", histogram_of_exponents(format.fit(weight))},
          {"energy_before", total(original.square())}};
}

std::vector<Json> rows_before(const RunDirectory& run, std::int64_t layer) {
  std::vector<Json> rows;
  for (const Json& row : run.read_layers())
    if (member<std::int64_t>(row, "layer", "layers.jsonl") < layer)
      rows.push_back(row);
  return rows;
}

Json certificate_row(const Certificate& certificate, std::int64_t first, std::int64_t last) {
  const auto sum = [&](const Tensor& rows) {
    return total(rows.slice(0, first, last).unsqueeze(1));
  };
  const double error = sum(certificate.error), rate_bound = sum(certificate.rate_bound);
  Json profile = Json::array();
  for (std::int64_t i = 0; i < certificate.profile.size(0); ++i)
    profile.push_back(certificate.profile[i].item<double>());
  return {{"error", error},
          {"lower_bound", sum(certificate.lower_bound)},
          {"expected", sum(certificate.expected)},
          {"worst", sum(certificate.worst)},
          {"sphere", sum(certificate.sphere)},
          {"rate_bound", rate_bound},
          {"headroom_decibels", 10 * std::log10(error / rate_bound)},
          {"profile_ratio", certificate.profile_ratio},
          {"profile", profile}};
}

std::string error_text(const std::vector<Json>& rows, std::int64_t layer) {
  double chosen = 0, nearest = 0, damped = 0, bound = 0;
  for (const Json& row : rows)
    if (row["layer"] == layer && !row["error"].is_null()) {
      const double energy = row["energy"].get<double>();
      chosen += row["error"].get<double>() / energy;
      nearest += row["nearest_error"].get<double>() / energy;
      if (!row.contains("certificate"))
        continue;
      damped += row["certificate"]["error"].get<double>() / energy;
      bound += row["certificate"]["lower_bound"].get<double>() / energy;
    }
  if (nearest == 0)
    return "";
  char text[96], proof[64] = "";
  if (bound > 0)
    std::snprintf(proof, sizeof proof, ", at most %.2fx the optimum", damped / bound);
  std::snprintf(text, sizeof text, "weighted error %.2f of nearest's", chosen / nearest);
  return std::string(text) + proof;
}

void say_escalations(Progress& progress, const std::vector<Json>& rows, std::int64_t layer) {
  for (const Json& row : rows)
    if (row["layer"] == layer && row["escalations"] > 0)
      progress.line("block " + std::to_string(layer + 1) + ": damping of " +
                    row["linear"].get<std::string>() + " raised to " + row["damping"].dump() +
                    " of the mean diagonal, the moments were not positive definite");
}

void say_few_tokens(Progress& progress, const std::vector<Json>& rows) {
  for (const Json& row : rows)
    if (row.contains("certificate") &&
        row["tokens"].get<std::int64_t>() < 2 * row["in"].get<std::int64_t>()) {
      progress.line("note: " + row["tokens"].dump() + " calibration tokens for " +
                    row["in"].dump() + " inputs of " + row["linear"].get<std::string>() +
                    ": a search can fit the sample; calibrate with more text, or with damp=auto");
      return;
    }
}

void say_shared_moments(Progress& progress, const std::vector<Json>& rows, std::int64_t layer) {
  std::int64_t linears = 0, fewest = 0;
  for (const Json& row : rows)
    if (row["layer"] == layer && row.contains("shared_moments")) {
      const auto tokens = row["routed_tokens"].get<std::int64_t>();
      fewest = linears == 0 ? tokens : std::min(fewest, tokens);
      ++linears;
    }
  if (linears > 0)
    progress.line("block " + std::to_string(layer + 1) + ": " + std::to_string(linears) +
                  " linears of experts saw fewer calibration tokens than they have inputs (as few "
                  "as " +
                  std::to_string(fewest) +
                  "); they use the moments of all tokens; calibrate with more text");
}

} // namespace latticelens
