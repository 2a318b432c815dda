#include "tests/commands/program.h"

#include "core/files.h"
#include "tests/support.h"
#include <algorithm>
#include <csignal>
#include <cstdlib>
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

Outcome run_command(const std::string& command) {
  const TemporaryFolder folder;
  const std::string redirected = command + " >" + quoted((folder / "out").string()) + " 2>" +
                                 quoted((folder / "err").string()) + " </dev/null";
  const int status = std::system(redirected.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(folder / "out"),
          read_text(folder / "err")};
}

} // namespace

std::string program_path() {
  const char* const given = std::getenv("LATTICELENS_PROGRAM");
  return given ? given : LATTICELENS_PROGRAM;
}

Outcome run_bash(const std::string& script) {
  return run_command("PROGRAM=" + quoted(program_path()) + " bash -c " + quoted(script));
}

Outcome run_program(const std::vector<std::string>& arguments, const std::string& environment) {
  std::string command = environment + " " + quoted(program_path());
  for (const std::string& argument : arguments)
    command += " " + quoted(argument);
  return run_command(command);
}

bool run_and_kill(const std::vector<std::string>& arguments, int milliseconds) {
  std::vector<std::string> words = {program_path()};
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
