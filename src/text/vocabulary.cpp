#include "text/vocabulary.h"

#include "core/error.h"

namespace latticelens {
namespace {

// Sixteen times the largest known vocabulary: an absurd id must not cost gigabytes.
constexpr std::int64_t id_limit = 1 << 22;

} // namespace

void Vocabulary::add(const std::string& text, std::int64_t id, const std::string& where) {
  const auto fail = [&](const std::string& why) {
    throw Error("tokenizer", where + ": token \"" + text + "\" " + why + "; damaged file?");
  };
  if (id < 0 || id >= id_limit)
    fail("has id " + std::to_string(id) + ", outside 0.." + std::to_string(id_limit - 1));
  if (id >= size())
    texts_.resize(static_cast<std::size_t>(id) + 1, nullptr);
  if (texts_[id])
    fail("has id " + std::to_string(id) + ", which \"" + *texts_[id] + "\" has too");
  const auto [place, fresh] = ids_.emplace(text, static_cast<TokenId>(id));
  if (!fresh)
    fail("stands twice, as " + std::to_string(place->second) + " and " + std::to_string(id));
  texts_[id] = &place->first;
}

std::optional<TokenId> Vocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const std::string* Vocabulary::text(std::int64_t id) const {
  return id >= 0 && id < size() ? texts_[static_cast<std::size_t>(id)] : nullptr;
}

} // namespace latticelens
