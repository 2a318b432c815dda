// The pages tell the truth: commands in them exist with their options, and so do the files that
// they name.
#include "core/files.h"
#include "tests/commands/program.h"
#include "tests/support.h"
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace latticelens {
namespace {

namespace fs = std::filesystem;

const fs::path source = LATTICELENS_SOURCE;

/// README, DESIGN and everything in docs/.
std::vector<fs::path> pages() {
  std::vector<fs::path> found = {source / "README.md", source / "DESIGN.md"};
  for (const auto& entry : fs::directory_iterator(source / "docs"))
    if (entry.path().extension() == ".md")
      found.push_back(entry.path());
  return found;
}

/// Each match's first group.
std::vector<std::string> all_matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    found.push_back((*match)[1]);
  return found;
}

/// The page without its fenced code blocks.
std::string prose_of(const std::string& page) {
  std::string prose;
  std::istringstream lines(page);
  bool fenced = false;
  for (std::string line; std::getline(lines, line);) {
    const bool fence = line.starts_with("```");
    if (!fence && !fenced)
      prose += line + "\n";
    fenced ^= fence;
  }
  return prose;
}

/// Lines of code blocks that begin with the program's name, with those that continue them, without
/// comments and without what stands in quotation marks.
std::vector<std::string> commands_of(const std::string& page) {
  std::vector<std::string> commands;
  std::istringstream lines(page);
  bool fenced = false, continued = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```"))
      fenced = !fenced;
    const std::size_t begin = line.find_first_not_of(" $");
    const bool code = fenced || line.starts_with("    ");
    if (continued)
      commands.back() += " " + line;
    else if (code && begin != line.npos && line.substr(begin).starts_with("latticelens "))
      commands.push_back(line.substr(begin));
    else
      continue;
    continued = line.ends_with("\\");
    if (continued)
      commands.back().pop_back();
  }
  for (std::string& command : commands)
    command = std::regex_replace(command, std::regex("\"[^\"]*\"|'[^']*'|\\s#.*"), " TEXT ");
  return commands;
}

/// The options that a command's help lists. Empty: there is no such command.
const std::set<std::string>& options_of(const std::string& command) {
  static std::map<std::string, std::set<std::string>> known;
  const auto [place, fresh] = known.try_emplace(command);
  if (!fresh)
    return place->second;
  const auto outcome = testing::run_program({command, "--help"});
  if (outcome.out.find("Usage: latticelens " + command + " ") == std::string::npos)
    return place->second; // the program's own help
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);)
    if (std::smatch names; std::regex_search(line, names, std::regex("^ +(-[-a-z,]+)")))
      for (const std::string& name : all_matches(names[1], std::regex("(--?[a-z][-a-z]*)")))
        place->second.insert(name);
  return place->second;
}

TEST(Documentation, commands_exist_with_their_options) {
  int checked = 0;
  for (const fs::path& page : pages())
    for (const std::string& line : commands_of(read_text(page))) {
      std::istringstream words(line);
      std::string word, command;
      words >> word >> command;
      if (command.starts_with("-"))
        continue; // --help, --version
      EXPECT_FALSE(options_of(command).empty()) << page << ": no command " << command;
      while (words >> word && word.find_first_of("|&>") == word.npos)
        if (word.starts_with("-") && word.size() > 1) {
          EXPECT_TRUE(options_of(command).contains(word.substr(0, word.find('='))))
              << page << ": " << command << " has no " << word << ":\n  " << line;
          ++checked;
        }
    }
  EXPECT_GT(checked, 50);
}

TEST(Documentation, links_lead_to_files) {
  for (const fs::path& page : pages())
    for (const std::string& link :
         all_matches(prose_of(read_text(page)), std::regex("\\]\\(([^)# ]+)[^)]*\\)")))
      EXPECT_TRUE(link.find("://") != link.npos || fs::exists(page.parent_path() / link))
          << page << ": " << link;
}

TEST(Documentation, files_of_the_source_exist) {
  const std::regex path(
      "(?:^|[^-\\w./])((?:src|cmake|docs|scripts|tests|tools|web)/[-a-z0-9_/.]*)");
  int checked = 0;
  for (const fs::path& page : pages())
    for (std::string name : all_matches(read_text(page), path)) {
      while (name.ends_with(".")) // of the sentence
        name.pop_back();
      EXPECT_TRUE(fs::exists(source / name)) << page << ": " << name;
      ++checked;
    }
  EXPECT_GT(checked, 50);
}

TEST(Documentation, README_names_every_page) {
  const std::string readme = read_text(source / "README.md");
  for (const fs::path& page : pages())
    EXPECT_TRUE(page.filename() == "README.md" ||
                readme.find(page.filename().string() + ")") != readme.npos)
        << page;
}

} // namespace
} // namespace latticelens
