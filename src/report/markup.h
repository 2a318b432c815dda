// HTML and SVG that cannot forget to escape: a plain text becomes Markup only by being escaped.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace latticelens::report {

/// Valid UTF-8 without control characters: what cannot stand in HTML becomes U+FFFD.
std::string printable(std::string_view text);

class Markup {
 public:
  Markup() = default;
  Markup(std::string_view plain); // escapes: implicit, so that texts and elements mix
  Markup(const char* plain) : Markup(std::string_view(plain)) {}
  Markup(const std::string& plain) : Markup(std::string_view(plain)) {}

  const std::string& html() const { return html_; }
  bool empty() const { return html_.empty(); }
  Markup& operator+=(const Markup& other) {
    html_ += other.html_;
    return *this;
  }
  friend Markup operator+(Markup left, const Markup& right) { return std::move(left += right); }

 private:
  friend Markup element(std::string_view, const std::vector<std::pair<const char*, std::string>>&,
                        const Markup&);
  friend Markup style_element(std::string_view);
  std::string html_;
};

using Attributes = std::vector<std::pair<const char*, std::string>>;

/// <tag attributes>content</tag>; attribute values are escaped here.
Markup element(std::string_view tag, const Attributes& attributes, const Markup& content = {});

/// A <style> element of this program's own sheet: the only text that is not escaped.
Markup style_element(std::string_view sheet);

} // namespace latticelens::report
