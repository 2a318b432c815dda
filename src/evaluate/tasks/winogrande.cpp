#include "core/error.h"
#include "evaluate/tasks/rows.h"

namespace latticelens {

/// The option stands in the context, and what follows it is the same for both: which option makes
/// the rest of the sentence more likely?
Item winogrande_item(const Json& row, const std::string& where) {
  const std::string sentence = text_of(row, "sentence", where);
  const std::size_t blank = sentence.find('_');
  require(blank != std::string::npos, "tasks", where + ": \"sentence\" has no _ for the options");
  const std::string rest = trimmed(std::string_view(sentence).substr(blank + 1));
  require(!rest.empty(), "tasks", where + ": nothing follows the _ of \"sentence\"");
  const auto answer = member<std::string>(row, "answer", where);
  require(answer == "1" || answer == "2", "tasks",
          where + ": \"answer\" is \"" + answer +
              "\", neither 1 nor 2; is this the test split, which has no answers?");
  Item item{.label = answer == "1" ? 0u : 1u};
  for (const char* key : {"option1", "option2"}) {
    const std::string option = text_of(row, key, where);
    item.requests.push_back({sentence.substr(0, blank) + option, " " + rest});
    item.characters.push_back(characters_of(option));
  }
  return item;
}

} // namespace latticelens
