#include "text/normalizer.h"

#include "core/error.h"
#include "text/components.h"
#include "text/utf8.h"
#include <cstdlib>
#include <memory>
#include <utf8proc.h>

namespace latticelens {
namespace {

std::string compose(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, std::free);
  require(length >= 0, "tokenizer",
          std::string("Unicode normalization of a text fails: ") +
              utf8proc_errmsg(length < 0 ? length : 0));
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
}

} // namespace

Normalizer::Normalizer(const Json& json, const std::string& where) {
  if (!json.is_null())
    read(json, where);
}

void Normalizer::read(const Json& json, const std::string& where) {
  const auto type = member<std::string>(json, "type", where);
  if (type == "Sequence") {
    refuse_other_keys(json, {"normalizers"}, where);
    for (const Json& step : array_member(json, "normalizers", where))
      read(step, where);
  } else if (type == "Prepend") {
    refuse_other_keys(json, {"prepend"}, where);
    steps_.push_back({Kind::prepend, "", member<std::string>(json, "prepend", where)});
  } else if (type == "Replace") {
    refuse_other_keys(json, {"pattern", "content"}, where);
    bool is_regex = false;
    const std::string from = pattern_member(json, is_regex, where);
    require(!is_regex, "tokenizer",
            where + ": normalizer \"Replace\" of a regex is not supported; only of a string");
    steps_.push_back({Kind::replace, from, member<std::string>(json, "content", where)});
  } else {
    refuse_other_keys(json, {}, where);
    const Kind kind = type == "NFC"    ? Kind::nfc
                      : type == "NFD"  ? Kind::nfd
                      : type == "NFKC" ? Kind::nfkc
                                       : Kind::nfkd;
    if (kind == Kind::nfkd && type != "NFKD")
      refuse_component("normalizer", type, "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD",
                       where);
    steps_.push_back({kind, "", ""});
  }
  require(steps_.size() <= 16, "tokenizer", where + ": more than 16 normalizers");
}

std::string Normalizer::apply(std::string_view text) const {
  std::string result(text);
  for (const Step& step : steps_) {
    if (result.empty())
      break;
    switch (step.kind) {
    case Kind::prepend:
      result.insert(0, step.to);
      break;
    case Kind::replace:
      result = replace_all(result, step.from, step.to);
      break;
    case Kind::nfc:
      result = compose(result, UTF8PROC_COMPOSE);
      break;
    case Kind::nfd:
      result = compose(result, UTF8PROC_DECOMPOSE);
      break;
    case Kind::nfkc:
      result = compose(result, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
      break;
    case Kind::nfkd:
      result = compose(result, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
      break;
    }
  }
  return result;
}

} // namespace latticelens
