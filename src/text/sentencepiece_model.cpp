#include "text/sentencepiece_model.h"

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
namespace trainer_field {
enum : std::uint32_t { model_type = 3, byte_fallback = 35 };
}
constexpr std::uint32_t normalizer_charsmap = 2;

bool is_byte_text(std::string_view text) { // <0xNN>
  return text.size() == 6 && text.starts_with("<0x") && text[5] == '>' &&
         text.substr(3, 2).find_first_not_of("0123456789ABCDEF") == text.npos;
}

constexpr std::size_t piece_limit = 1 << 22;
constexpr std::size_t text_limit = 1024; // bytes; the library recurses along a piece

class ModelReader {
 public:
  explicit ModelReader(const std::string& where) : where_(where) {}

  SentencePieceModel read(std::string_view bytes) {
    WireReader reader(bytes, where_);
    std::uint32_t seen = 0;
    while (const auto field = reader.next()) {
      using namespace model_field;
      if (field->number < pieces || field->number > denormalizer)
        continue;
      expect(field->type == 2, "a field of the wrong type");
      if (field->number == pieces) {
        read_piece(field->bytes);
        continue;
      }
      expect(!(seen >> field->number & 1), "a part that stands twice");
      seen |= 1u << field->number;
      if (field->number == trainer)
        read_trainer(field->bytes);
      else if (field->number != self_test)
        check_normalizer(field->bytes);
    }
    expect(!model_.pieces.empty(), "no pieces");
    return std::move(model_);
  }

 private:
  void expect(bool condition, const char* what) const {
    if (!condition) // no message is put together for the thousands that pass
      throw Error("tokenizer",
                  where_ + ": " + what + "; not a SentencePiece model, or a damaged one");
  }

  void read_piece(std::string_view bytes) {
    WireReader reader(bytes, where_);
    std::string_view text;
    Piece piece;
    while (const auto field = reader.next()) {
      if (field->number == piece_field::text) {
        expect(field->type == 2 && text.empty(), "a piece whose text has the wrong type");
        text = field->bytes;
      } else if (field->number == piece_field::score) {
        expect(field->type == 5, "a score of the wrong type");
        piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
      } else if (field->number == piece_field::type) {
        expect(field->type == 0 && field->value >= 1 && field->value <= 6,
               "a piece of unknown type");
        piece.type = static_cast<PieceType>(field->value);
      }
    }
    expect(!text.empty() && text.size() <= text_limit, "a piece that is empty or over 1 KiB");
    expect(!first_invalid_utf8(text) && text.find('\0') == text.npos, "a piece that is not UTF-8");
    expect(std::isfinite(piece.score), "a score that is not a finite number");
    expect(piece.type != PieceType::byte || is_byte_text(text), "a byte piece that is not <0xNN>");
    expect(texts_.insert(text).second, "a piece that stands twice");
    expect(texts_.size() <= piece_limit, "more than four million pieces");
    piece.text = text;
    model_.pieces.push_back(std::move(piece));
  }

  void read_trainer(std::string_view bytes) {
    WireReader reader(bytes, where_);
    while (const auto field = reader.next()) {
      if (field->number == trainer_field::model_type) {
        require(field->type == 0 && (field->value == 1 || field->value == 2), "tokenizer",
                where_ + ": SentencePiece model type " + std::to_string(field->value) +
                    " is not supported; known: unigram (1), BPE (2)");
        model_.unigram = field->value == 1;
      } else if (field->number == trainer_field::byte_fallback) {
        expect(field->type == 0, "a setting of the wrong type");
        model_.byte_fallback = field->value != 0;
      }
    }
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
  SentencePieceModel model_;
  std::unordered_set<std::string_view> texts_;
};

} // namespace

SentencePieceModel read_sentencepiece_model(std::string_view bytes, const std::string& where) {
  return ModelReader(where).read(bytes);
}

} // namespace latticelens
