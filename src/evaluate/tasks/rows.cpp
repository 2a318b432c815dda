#include "evaluate/tasks/rows.h"

#include "core/error.h"
#include "evaluate/white_space.h"
#include <algorithm>

namespace latticelens {
namespace {

/// The choices' texts or labels, in either layout.
std::vector<std::string> column_of(const Json& choices, const std::string& key,
                                   const std::string& where) {
  if (choices.is_object())
    return member<std::vector<std::string>>(choices, key, where + ", \"choices\"");
  require(choices.is_array(), "tasks", where + ": \"choices\" is neither a list nor an object");
  std::vector<std::string> column;
  for (const Json& choice : choices)
    column.push_back(member<std::string>(choice, key, where + ", \"choices\""));
  return column;
}

} // namespace

std::string text_of(const Json& row, const std::string& key, const std::string& where) {
  const auto text = member<std::string>(row, key, where);
  require(leading_space(text) < text.size(), "tasks", where + ": \"" + key + "\" is empty");
  return text;
}

Question question_of(const Json& row, const std::string& key, const std::string& where) {
  const bool nested = row.is_object() && row.contains("question") && row["question"].is_object();
  const Json& source = nested ? row["question"] : row;
  Question question{.stem = text_of(source, nested ? "stem" : key, where)};
  const Json choices = member<Json>(source, "choices", where);
  question.choices = column_of(choices, "text", where);
  const std::vector<std::string> labels = column_of(choices, "label", where);
  require(labels.size() == question.choices.size() && labels.size() >= 2, "tasks",
          where + ": has " + std::to_string(question.choices.size()) + " choices and " +
              std::to_string(labels.size()) + " labels; there should be two or more of both");
  const auto answer = member<std::string>(row, "answerKey", where);
  const auto found = std::find(labels.begin(), labels.end(), answer);
  require(found != labels.end(), "tasks",
          where + ": \"answerKey\" is \"" + answer + "\", the label of no choice");
  question.label = found - labels.begin();
  for (std::size_t i = 0; i < labels.size(); ++i)
    require(leading_space(question.choices[i]) < question.choices[i].size(), "tasks",
            where + ": the choice \"" + labels[i] + "\" is empty");
  return question;
}

Item choices_after(const std::string& context, const std::vector<std::string>& choices,
                   std::size_t label) {
  Item item{.label = label};
  for (const std::string& choice : choices) {
    item.requests.push_back({context, " " + choice});
    item.characters.push_back(characters_of(choice));
  }
  return item;
}

std::int64_t characters_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; });
}

std::string trimmed(std::string_view text) {
  text.remove_prefix(leading_space(text));
  text.remove_suffix(trailing_space(text));
  return std::string(text);
}

} // namespace latticelens
