// What each word of a method string means, in plain English.
#pragma once
#include <string>
#include <vector>

namespace latticelens::report {

struct MethodWord {
  std::string word, meaning;
};

/// One entry a word; "rotate=a,b" gives one for each rotation.
std::vector<MethodWord> explained(const std::string& method);

/// "4-bit weights and activations", "4-bit weights", "Quantized weights".
std::string quantized_parts(const std::string& method);

/// Does the method round each weight to its nearest level?
bool rounds_to_nearest(const std::string& method);

} // namespace latticelens::report
