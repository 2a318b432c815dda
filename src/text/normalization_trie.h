// The compiled normalization rules of a SentencePiece model: a double-array trie (Darts-clone's
// layout) and the texts that its values point into.
#pragma once
#include <string>
#include <string_view>

namespace latticelens {

/// Error unless every walk through the trie stays inside it and every value points at a text that
/// ends. `charsmap`: the field's bytes; empty means that there are no rules.
void check_normalization_rules(std::string_view charsmap, const std::string& where);

} // namespace latticelens
