#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/split_regex.h"

#include "core/error.h"
#include "text/utf8.h"
#include <algorithm>
#include <pcre2.h>

namespace latticelens {
namespace {

constexpr std::size_t pattern_limit = 1 << 16;
constexpr std::uint32_t match_limit = 20'000'000; // a 1 MB run of spaces needs two million
constexpr std::uint32_t heap_limit = 64 * 1024;   // KiB

[[noreturn]] void refuse(const std::string& where, const std::string& pattern,
                         const std::string& why) {
  throw Error("tokenizer", where + ": regex \"" + pattern.substr(0, 200) + "\": " + why);
}

// Rewrites what differs and refuses what cannot be rewritten: \s is the White_Space property in
// Oniguruma (PCRE2 adds U+180E), and \h, \v, \w, nested classes and others differ outright.
class PortablePattern {
 public:
  PortablePattern(const std::string& pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string rewrite() {
    for (at_ = 0; at_ < pattern_.size(); ++at_) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
        continue;
      }
      if (in_class_)
        class_member(c);
      else
        outside(c);
      result_ += c;
    }
    return result_;
  }

 private:
  char next() const { return at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0'; }

  void escape() {
    const char c = next();
    ++at_;
    if (c == 's' || c == 'S') {
      result_ += c == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
      return;
    }
    const bool letter_or_digit =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter_or_digit && std::string_view("dDpPrntfx").find(c) == std::string_view::npos)
      refuse(where_, pattern_, std::string("\\") + c + " is not supported");
    result_ += {'\\', c};
    if ((c == 'p' || c == 'P' || c == 'x') && next() == '{') { // its braces are no repetition
      const std::size_t end = std::min(pattern_.find('}', at_), pattern_.size() - 1);
      result_.append(pattern_, at_ + 1, end - at_);
      at_ = end;
    }
  }

  void class_member(char c) {
    if (c == '[' || (c == '&' && next() == '&'))
      refuse(where_, pattern_, "classes inside classes are not supported");
    if (c == ']' && at_ > class_begin_ + 1)
      in_class_ = false;
  }

  void outside(char c) {
    if (c == '[') {
      in_class_ = true;
      class_begin_ = at_ + (next() == '^' ? 1 : 0);
    }
    const std::string_view rest = std::string_view(pattern_).substr(at_);
    if (rest.starts_with("(*") || rest.starts_with("(?C"))
      refuse(where_, pattern_, "verbs and callouts are not supported");
    if (c == '}' && next() == '+')
      refuse(where_, pattern_, "possessive {n,m}+ is not supported");
  }

  const std::string& pattern_;
  const std::string& where_;
  std::string result_;
  std::size_t at_ = 0, class_begin_ = 0;
  bool in_class_ = false;
};

struct Match {
  std::size_t begin, end;
  bool is_match;
};

// Finds the matches of one compiled pattern in one subject after the other.
class Matcher {
 public:
  Matcher(const pcre2_code* code, const std::string& where)
      : code_(code), where_(where), data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context_.get(), match_limit);
    pcre2_set_heap_limit(context_.get(), heap_limit);
  }

  /// Covers `subject` with matches and what lies between them; empty ones are left out.
  void cover(std::string_view subject, std::vector<Match>& out) const {
    out.clear();
    std::size_t done = 0;
    for (std::size_t at = 0; at < subject.size() && search(subject, at);) {
      const std::size_t* found = pcre2_get_ovector_pointer(data_.get());
      const std::size_t begin = found[0], end = found[1];
      if (end == begin) { // matches nothing: go on behind the next character
        at = begin + (begin < subject.size() ? character_at(subject, begin).length : 1);
        continue;
      }
      if (begin > done)
        out.push_back({done, begin, false});
      out.push_back({begin, end, true});
      done = at = end;
    }
    if (done < subject.size())
      out.push_back({done, subject.size(), false});
  }

 private:
  bool search(std::string_view subject, std::size_t at) const {
    const auto run = [&](std::uint32_t options) {
      return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), at,
                         options | PCRE2_NO_UTF_CHECK, data_.get(), context_.get());
    };
    int status = run(0);
    if (status == PCRE2_ERROR_JIT_STACKLIMIT)
      status = run(PCRE2_NO_JIT);
    if (status == PCRE2_ERROR_NOMATCH)
      return false;
    if (status < 0)
      throw Error("tokenizer", where_ + ": the regex gives up at byte " + std::to_string(at) +
                                   " of the text (PCRE2 error " + std::to_string(status) +
                                   "): it takes too many steps; check the pattern");
    return true;
  }

  struct Free {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  };
  const pcre2_code* code_;
  const std::string& where_;
  std::unique_ptr<pcre2_match_data, Free> data_;
  std::unique_ptr<pcre2_match_context, Free> context_;
};

void merge_with_previous(std::vector<Match>& parts) {
  std::vector<Match> merged;
  bool after_match = false;
  for (const Match& part : parts) {
    if (part.is_match && !after_match && !merged.empty())
      merged.back().end = part.end;
    else
      merged.push_back(part);
    after_match = part.is_match;
  }
  parts = std::move(merged);
}

void merge_with_next(std::vector<Match>& parts) {
  std::vector<Match> merged; // from the last to the first
  bool before_match = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->is_match && !before_match && !merged.empty())
      merged.back().begin = part->begin;
    else
      merged.push_back(*part);
    before_match = part->is_match;
  }
  parts.assign(merged.rbegin(), merged.rend());
}

void merge_runs(std::vector<Match>& parts) {
  std::vector<Match> merged;
  for (const Match& part : parts)
    if (!merged.empty() && merged.back().is_match == part.is_match)
      merged.back().end = part.end;
    else
      merged.push_back(part);
  parts = std::move(merged);
}

void apply(SplitBehaviour behaviour, std::vector<Match>& parts) {
  switch (behaviour) {
  case SplitBehaviour::isolated:
    return;
  case SplitBehaviour::removed:
    std::erase_if(parts, [](const Match& part) { return part.is_match; });
    return;
  case SplitBehaviour::merged_with_previous:
    return merge_with_previous(parts);
  case SplitBehaviour::merged_with_next:
    return merge_with_next(parts);
  case SplitBehaviour::contiguous:
    return merge_runs(parts);
  }
}

} // namespace

SplitRegex::SplitRegex(const std::string& pattern, const std::string& where) : where_(where) {
  if (pattern.size() > pattern_limit)
    refuse(where, pattern, "longer than 64 KiB");
  const std::string portable = PortablePattern(pattern, where).rewrite();
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  std::size_t position = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(portable.data()), portable.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                    &position, context.get());
  if (!code) {
    PCRE2_UCHAR message[256] = "";
    pcre2_get_error_message(error, message, sizeof message);
    refuse(where, pattern, reinterpret_cast<const char*>(message));
  }
  code_ = std::shared_ptr<const void>(code, [](const void* owned) {
    pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(owned)));
  });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // where there is no JIT the interpreter runs
}

void SplitRegex::split(const std::vector<std::string_view>& pieces, SplitBehaviour behaviour,
                       bool invert, std::vector<std::string_view>& out) const {
  const Matcher matcher(static_cast<const pcre2_code*>(code_.get()), where_);
  std::vector<Match> parts;
  for (std::string_view piece : pieces) {
    matcher.cover(piece, parts);
    if (invert)
      for (Match& part : parts)
        part.is_match = !part.is_match;
    apply(behaviour, parts);
    for (const Match& part : parts)
      out.push_back(piece.substr(part.begin, part.end - part.begin));
  }
}

std::string quote_regex(std::string_view text) {
  std::string quoted;
  for (char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos)
      quoted += '\\';
    quoted += c;
  }
  return quoted;
}

} // namespace latticelens
