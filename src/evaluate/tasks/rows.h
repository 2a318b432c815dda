// What the rows of the table of tasks share: reading fields, and the usual request.
#pragma once
#include "evaluate/task.h"
#include <string_view>

namespace latticelens {

Item piqa_item(const Json& row, const std::string& where);
Item winogrande_item(const Json& row, const std::string& where);
Item openbookqa_item(const Json& row, const std::string& where);
Item arc_item(const Json& row, const std::string& where);

/// A string that is not blank.
std::string text_of(const Json& row, const std::string& key, const std::string& where);

/// A question with its choices, in the two layouts that people have: {"question": {"stem",
/// "choices": [{"text", "label"}]}} of the original archives, and {KEY, "choices": {"text",
/// "label"}} of the hub; both with "answerKey".
struct Question {
  std::string stem;
  std::vector<std::string> choices;
  std::size_t label = 0;
};
Question question_of(const Json& row, const std::string& key, const std::string& where);

/// The same context for every choice; a space and the choice continue it.
Item choices_after(const std::string& context, const std::vector<std::string>& choices,
                   std::size_t label);

/// Unicode characters of a UTF-8 text.
std::int64_t characters_of(std::string_view text);

/// The text without white space at its ends.
std::string trimmed(std::string_view text);

} // namespace latticelens
