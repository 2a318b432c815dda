#include "evaluate/tasks/rows.h"

namespace latticelens {

Item openbookqa_item(const Json& row, const std::string& where) {
  const Question question = question_of(row, "question_stem", where);
  return choices_after(question.stem, question.choices, question.label);
}

} // namespace latticelens
