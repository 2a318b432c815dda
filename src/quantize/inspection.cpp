#include "quantize/inspection.h"

#include "core/error.h"
#include "core/progress.h"
#include "core/words.h"
#include "lattice/certificates.h"
#include "lattice/factor.h"
#include "quantize/layer_rows.h"
#include "tensor/total.h"
#include <ATen/ATen.h>

namespace latticelens {
namespace {

constexpr int dual_steps = 20; // improving the diagonal bound: seconds on a wide layer

Json numbers(const Tensor& values) {
  Json list = Json::array();
  const Tensor flat = values.to(at::kDouble).contiguous();
  for (std::int64_t i = 0; i < flat.numel(); ++i)
    list.push_back(flat.const_data_ptr<double>()[i]);
  return list;
}

Json profile_of(const Moments& moments, const std::string& order, double damping,
                const std::string& where) {
  const Tensor l = factor_moments(moments.gram, {.damping = damping, .order = order}, where).l;
  const Tensor squares = l.diagonal().square();
  return {{"order", order},
          {"profile_ratio", profile_ratio(l)},
          {"babai_factor", babai_factor(l)},
          {"sum_of_squares", squares.sum().item<double>()},
          {"log2_diagonal", numbers(l.diagonal().log2())}};
}

RoundingProblem problem_of(const VisitedLinear& linear, const Moments& moments,
                           const Method& method) {
  return {.weight = linear.weight,
          .moments = moments,
          .format = method.weight.on(linear.weight, moments.gram.diagonal().to(at::kFloat)),
          .name = linear.name,
          .scales = method.scales,
          .order = method.order};
}

/// The run's own choice, proven.
Json certificates_of(const RoundingProblem& problem, const VisitedLinear& linear, double damping,
                     double strength) {
  Rounded chosen;
  chosen.values = linear.values;
  chosen.scales = linear.scales;
  chosen.damping = damping;
  chosen.strength = strength;
  const Certificate certificate = certify(problem, chosen, dual_steps);
  Json row = certificate_row(certificate, 0, linear.weight.size(0));
  const auto sum = [](const Tensor& rows) { return total(rows.unsqueeze(1)); };
  row["a_posteriori"] = sum(certificate.bounds.a_posteriori);
  row["one_dual"] = sum(certificate.bounds.one_dual);
  row["diagonal_dual"] = sum(certificate.bounds.diagonal);
  row["overflow_forecast"] = certificate.overflow;
  return row;
}

Json try_alternative(const Alternative& alternative, RoundingProblem problem) {
  problem.order = alternative.order;
  problem.scales = parse_scales(alternative.scales);
  const Stopwatch watch;
  const Rounded rounded = round_weight(parse_rounding(alternative.rounding), problem);
  Json row = {{"method", to_text(alternative)},
              {"error", output_error(problem.weight, rounded.values, problem.moments)},
              {"seconds", watch.seconds()}};
  row["bits"] = rounded.bits.value_or(problem.format.bits());
  if (rounded.solver_error.defined())
    row["damped_error"] = total(rounded.solver_error.unsqueeze(1));
  return row;
}

} // namespace

Alternative parse_alternative(const std::string& text) {
  const std::vector<std::string> words = words_of(text, ' ');
  require(!words.empty() && words.size() <= 3, "inspect",
          "\"" + text +
              "\" is not \"ROUNDING [ORDER [SCALES]]\"; example: \"kbest:8 min-pivot search\"");
  parse_rounding(words[0]); // its errors come before any work
  Alternative alternative{words[0]};
  if (words.size() > 1)
    alternative.order = order_row(words[1]).name;
  if (words.size() > 2)
    alternative.scales = to_text(parse_scales(words[2]));
  return alternative;
}

std::string to_text(const Alternative& alternative) {
  if (!rounding_row(parse_rounding(alternative.rounding).name).uses_moments)
    return alternative.rounding;
  return alternative.rounding + " " + alternative.order + " " + alternative.scales;
}

const std::vector<Alternative>& usual_alternatives() {
  static const std::vector<Alternative> list = {
      {"gptq"},
      {"nearest"},
      {"gptq", "activation"},
      {"gptq", "min-pivot"},
      {"gptq", "natural", "search:3"},
      {"descent", "min-pivot"},
      {"kbest:8", "min-pivot"},
      {"kbest:32", "min-pivot"},
      {"kbest:8", "min-pivot", "search:3"},
      {"portfolio:8", "natural", "search:3"},
  };
  return list;
}

Json inspect_linear(const VisitedLinear& linear, const Moments& moments, const Method& method,
                    double damping, double strength, const std::vector<Alternative>& alternatives) {
  const RoundingProblem problem = problem_of(linear, moments, method);
  Json result = {{"linear", linear.name},
                 {"out", linear.weight.size(0)},
                 {"in", linear.weight.size(1)},
                 {"tokens", moments.samples},
                 {"damping", damping},
                 {"error", output_error(linear.weight, linear.values, moments)}};
  for (const OrderRow& order : orders())
    result["orders"].push_back(profile_of(moments, order.name, damping, linear.name));
  // What leaves the grid is not bound by its bounds.
  if (has_certificates(method))
    result["certificate"] = certificates_of(problem, linear, damping, strength);
  result["alternatives"] = Json::array();
  for (const Alternative& alternative : alternatives)
    result["alternatives"].push_back(try_alternative(alternative, problem));
  return result;
}

} // namespace latticelens
