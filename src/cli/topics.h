// What `latticelens help TOPIC` explains beside the commands: one row a topic.
#pragma once
#include <string>
#include <vector>

namespace latticelens {

struct Topic {
  const char* name;
  const char* help;
  std::string (*text)();
};

const std::vector<Topic>& topics();

} // namespace latticelens
