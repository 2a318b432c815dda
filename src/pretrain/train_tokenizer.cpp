#include "pretrain/train_tokenizer.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include <sentencepiece_trainer.h>

namespace latticelens {
namespace {

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return next_ >= lines_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return lines_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t next_ = 0;
};

} // namespace

std::string train_tokenizer(const std::vector<std::string>& lines, const std::string& kind,
                            std::int64_t vocabulary) {
  Lines sentences(lines);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      {{"model_type", kind},
       {"vocab_size", std::to_string(vocabulary)},
       {"byte_fallback", "true"},
       {"character_coverage", "0.9995"},
       {"normalization_rule_name", "identity"},
       {"remove_extra_whitespaces", "false"},
       {"max_sentence_length", "1000000000"}, // longer lines would be left out silently
       {"num_threads", "1"},                  // sums over threads round by their number
       {"minloglevel", "3"}},
      &sentences, &model);
  require(status.ok(), "pretrain",
          "--vocabulary " + std::to_string(vocabulary) +
              ": SentencePiece cannot train a tokenizer: " + status.ToString() +
              "; give another --vocabulary, or more text");
  return model;
}

void write_tokenizer(const std::filesystem::path& folder, const std::string& model,
                     const std::string& kind) {
  // transformers' LlamaTokenizer is a BPE; a unigram model needs SentencePiece itself.
  const Json config = {{"tokenizer_class", kind == "bpe" ? "LlamaTokenizer" : "SentencePiece"},
                       {"bos_token", "<s>"},
                       {"eos_token", "</s>"},
                       {"unk_token", "<unk>"},
                       {"add_bos_token", true},
                       {"add_eos_token", false},
                       {"add_prefix_space", true},
                       {"clean_up_tokenization_spaces", false},
                       {"legacy", false}};
  write_text(folder / "tokenizer_config.json", config.dump(2) + "\n");
  write_text(folder / "tokenizer.model", model);
}

} // namespace latticelens
