#include "core/error.h"
#include "evaluate/tasks/rows.h"

namespace latticelens {

Item piqa_item(const Json& row, const std::string& where) {
  const auto label = member<std::int64_t>(row, "label", where);
  require(label == 0 || label == 1, "tasks",
          where + ": \"label\" is " + std::to_string(label) +
              ", neither 0 nor 1; is this the test split, which has no labels?");
  return choices_after("Question: " + text_of(row, "goal", where) + "\nAnswer:",
                       {text_of(row, "sol1", where), text_of(row, "sol2", where)}, label);
}

} // namespace latticelens
