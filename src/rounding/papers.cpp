#include "rounding/papers.h"

#include "lattice/paper_forms.h"
#include "rounding/lattice_problem.h"

namespace latticelens {
namespace {

template<std::size_t Form>
Rounded round_by_form(const RoundingProblem& layer, const std::map<std::string, double>& options) {
  return round_on_lattice(layer, options.at("damp"), [](const LatticeProblem& problem) {
    return round_by_paper(paper_forms()[Form], generator_of(problem.factor.l), problem.target,
                          problem.layer.format.grid, problem.blocks, problem.choose);
  });
}

} // namespace

std::vector<RoundingRow> paper_roundings(const RoundingOption& damping) {
  constexpr Rounded (*round[])(const RoundingProblem&, const std::map<std::string, double>&) = {
      round_by_form<0>, round_by_form<1>, round_by_form<2>, round_by_form<3>, round_by_form<4>};
  std::vector<RoundingRow> rows;
  for (std::size_t i = 0; i < std::size(round); ++i)
    rows.push_back({paper_forms()[i].name, paper_forms()[i].help, true, {damping}, round[i]});
  return rows;
}

} // namespace latticelens
