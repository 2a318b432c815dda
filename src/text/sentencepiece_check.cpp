#include "text/sentencepiece_check.h"

#include "core/error.h"
#include "text/normalization_trie.h"
#include "text/utf8.h"
#include "text/wire_format.h"
#include <bit>
#include <cmath>
#include <unordered_set>

namespace latticelens {
namespace {

// Field numbers of sentencepiece_model.proto.
namespace model_field {
enum : std::uint32_t { pieces = 1, trainer = 2, normalizer = 3, self_test = 4, denormalizer = 5 };
}
namespace piece_field {
enum : std::uint32_t { text = 1, score = 2, type = 3 };
}
constexpr std::uint32_t trainer_model_type = 3;
constexpr std::uint32_t normalizer_charsmap = 2;

constexpr std::size_t piece_limit = 1 << 22;
constexpr std::size_t text_limit = 1024; // bytes; the library recurses along a piece

class Checker {
 public:
  explicit Checker(const std::string& where) : where_(where) {}

  void check_model(std::string_view bytes) {
    WireReader reader(bytes, where_);
    std::uint32_t seen = 0;
    while (const auto field = reader.next()) {
      using namespace model_field;
      if (field->number < pieces || field->number > denormalizer)
        continue;
      expect(field->type == 2, "a field of the wrong type");
      if (field->number == pieces) {
        check_piece(field->bytes);
        continue;
      }
      expect(!(seen >> field->number & 1), "a part that stands twice");
      seen |= 1u << field->number;
      if (field->number == trainer)
        check_trainer(field->bytes);
      else if (field->number != self_test)
        check_normalizer(field->bytes);
    }
    expect(!texts_.empty(), "no pieces");
  }

 private:
  void expect(bool condition, const char* what) const {
    require(condition, "tokenizer",
            where_ + ": " + what + "; not a SentencePiece model, or a damaged one");
  }

  void check_piece(std::string_view bytes) {
    WireReader reader(bytes, where_);
    std::string_view text;
    float score = 0;
    while (const auto field = reader.next()) {
      if (field->number == piece_field::text) {
        expect(field->type == 2 && text.empty(), "a piece whose text has the wrong type");
        text = field->bytes;
      } else if (field->number == piece_field::score) {
        expect(field->type == 5, "a score of the wrong type");
        score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
      } else if (field->number == piece_field::type) {
        expect(field->type == 0 && field->value >= 1 && field->value <= 6,
               "a piece of unknown type");
      }
    }
    expect(!text.empty() && text.size() <= text_limit, "a piece that is empty or over 1 KiB");
    expect(!first_invalid_utf8(text) && text.find('\0') == text.npos, "a piece that is not UTF-8");
    expect(std::isfinite(score), "a score that is not a finite number");
    expect(texts_.insert(text).second, "a piece that stands twice");
    expect(texts_.size() <= piece_limit, "more than four million pieces");
  }

  void check_trainer(std::string_view bytes) const {
    WireReader reader(bytes, where_);
    while (const auto field = reader.next())
      if (field->number == trainer_model_type)
        require(field->type == 0 && (field->value == 1 || field->value == 2), "tokenizer",
                where_ + ": SentencePiece model type " + std::to_string(field->value) +
                    " is not supported; known: unigram (1), BPE (2)");
  }

  void check_normalizer(std::string_view bytes) const {
    WireReader reader(bytes, where_);
    bool seen = false;
    while (const auto field = reader.next())
      if (field->number == normalizer_charsmap) {
        expect(field->type == 2 && !seen, "normalization rules of the wrong type");
        check_normalization_rules(field->bytes, where_);
        seen = true;
      }
  }

  const std::string& where_;
  std::unordered_set<std::string_view> texts_;
};

} // namespace

void check_sentencepiece_model(std::string_view bytes, const std::string& where) {
  Checker(where).check_model(bytes);
}

} // namespace latticelens
