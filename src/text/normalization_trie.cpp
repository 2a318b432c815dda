#include "text/normalization_trie.h"

#include "core/error.h"
#include <cstdint>
#include <vector>

namespace latticelens {
namespace {

std::uint32_t read_unit(std::string_view bytes, std::size_t index) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[index * 4 + static_cast<std::size_t>(i)]);
  return value;
}

// Darts-clone's unit: offset to the children in bits 10-30 (times 256 if bit 9 is set), bit 8 tells
// that a value hangs here, bits 0-7 are the label; bit 31 marks a value, never a label.
std::uint32_t offset_of(std::uint32_t unit) {
  return (unit >> 10) << ((unit & 0x200u) >> 6);
}

class Trie {
 public:
  Trie(std::string_view units, std::string_view texts, const std::string& where)
      : units_(units), texts_(texts), where_(where), seen_(units.size() / 4, false) {}

  void check() {
    require(!seen_.empty(), "tokenizer", where_ + ": the normalization trie is empty");
    visit(0);
    while (!open_.empty()) {
      const std::size_t node = open_.back();
      open_.pop_back();
      visit_children(node);
    }
  }

 private:
  void visit(std::size_t node) {
    if (!seen_[node])
      open_.push_back(node);
    seen_[node] = true;
  }

  // The library reads the unit of every possible label, so all 256 must be inside.
  void visit_children(std::size_t node) {
    const std::uint32_t unit = read_unit(units_, node);
    const std::size_t base = node ^ offset_of(unit);
    if ((base | 0xff) >= seen_.size())
      throw Error("tokenizer",
                  where_ + ": the normalization trie points outside itself; damaged file?");
    if (node != 0 && (unit & 0x100) && (read_unit(units_, base) & 0x7fffffffu) >= texts_.size())
      throw Error("tokenizer",
                  where_ + ": a normalization rule points outside the texts; damaged file?");
    for (std::uint32_t label = 0; label < 256; ++label)
      if ((read_unit(units_, base ^ label) & 0x800000ffu) == label)
        visit(base ^ label);
  }

  std::string_view units_, texts_;
  const std::string& where_;
  std::vector<bool> seen_;
  std::vector<std::size_t> open_;
};

} // namespace

void check_normalization_rules(std::string_view charsmap, const std::string& where) {
  if (charsmap.empty())
    return;
  const auto damaged = [&](const char* why) {
    throw Error("tokenizer", where + ": the normalization rules " + why + "; damaged file?");
  };
  if (charsmap.size() < 4)
    damaged("are too short");
  const std::size_t size = read_unit(charsmap, 0);
  charsmap.remove_prefix(4);
  if (size % 4 != 0 || size >= charsmap.size())
    damaged("have a trie that does not fit");
  const std::string_view texts = charsmap.substr(size);
  if (texts.back() != '\0')
    damaged("have a text that does not end");
  Trie(charsmap.substr(0, size), texts, where).check();
}

} // namespace latticelens
