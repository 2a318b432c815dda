#include "evaluate/tasks/rows.h"

namespace latticelens {

Item arc_item(const Json& row, const std::string& where) {
  const Question question = question_of(row, "question", where);
  return choices_after("Question: " + question.stem + "\nAnswer:", question.choices,
                       question.label);
}

} // namespace latticelens
