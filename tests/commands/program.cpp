#include "tests/commands/program.h"

#include "core/files.h"
#include "tests/support.h"
#include <algorithm>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace latticelens::testing {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

} // namespace

Outcome run_program(const std::vector<std::string>& arguments, const std::string& environment) {
  const TemporaryFolder folder;
  std::string command = environment + " " + quoted(LATTICELENS_PROGRAM);
  for (const std::string& argument : arguments)
    command += " " + quoted(argument);
  command += " >" + quoted((folder / "out").string()) + " 2>" + quoted((folder / "err").string()) +
             " </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(folder / "out"),
          read_text(folder / "err")};
}

bool run_and_kill(const std::vector<std::string>& arguments, int milliseconds) {
  std::vector<std::string> words = {LATTICELENS_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

std::vector<std::pair<std::string, std::string>>
folder_contents(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::string>> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      contents.emplace_back(std::filesystem::relative(entry.path(), folder).string(),
                            read_text(entry.path()));
  std::sort(contents.begin(), contents.end());
  return contents;
}

} // namespace latticelens::testing
