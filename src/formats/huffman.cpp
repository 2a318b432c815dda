#include "formats/huffman.h"

#include "core/error.h"
#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <unordered_map>

namespace latticelens {
namespace {

constexpr int longest_code = 56;

/// Lengths of an optimal prefix code for these counts, each at least 1.
std::vector<int> lengths_of(const std::vector<std::int64_t>& counts) {
  const std::size_t n = counts.size();
  std::vector<std::size_t> parent(2 * n, 0);
  using Node = std::pair<std::int64_t, std::size_t>; // count, index: ties by index
  std::priority_queue<Node, std::vector<Node>, std::greater<>> open;
  for (std::size_t i = 0; i < n; ++i)
    open.push({counts[i], i});
  std::size_t next = n;
  while (open.size() > 1) {
    const Node a = open.top();
    open.pop();
    const Node b = open.top();
    open.pop();
    parent[a.second] = parent[b.second] = next;
    open.push({a.first + b.first, next++});
  }
  std::vector<int> lengths(n, 1), depth(next, 0);
  for (std::size_t i = next - 1; i-- > 0;) // parents come after their children
    depth[i] = depth[parent[i]] + 1;
  for (std::size_t i = 0; i < n && n > 1; ++i)
    lengths[i] = depth[i];
  return lengths;
}

/// The code of each symbol: counted up within a length, shifted from one length to the next.
std::vector<std::uint64_t> canonical_codes(const std::vector<std::uint8_t>& lengths,
                                           const std::string& where) {
  std::vector<std::uint64_t> codes(lengths.size());
  std::uint64_t code = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    require(lengths[i] >= 1 && lengths[i] <= longest_code &&
                (i == 0 || lengths[i] >= lengths[i - 1]),
            "huffman", where + ": the lengths are no canonical code; the file is damaged");
    if (i > 0)
      code = (code + 1) << (lengths[i] - lengths[i - 1]);
    require(code >> lengths[i] == 0, "huffman",
            where + ": more codes than their lengths allow; the file is damaged");
    codes[i] = code;
  }
  return codes;
}

/// What occurs, ascending, and how often.
struct Histogram {
  explicit Histogram(const std::vector<std::int32_t>& values) {
    std::unordered_map<std::int32_t, std::int64_t> counts;
    for (const std::int32_t value : values)
      ++counts[value];
    const std::map<std::int32_t, std::int64_t> ascending(counts.begin(), counts.end());
    for (const auto& [symbol, count] : ascending) {
      symbols.push_back(symbol);
      occurrences.push_back(count);
    }
  }
  std::vector<std::int32_t> symbols;
  std::vector<std::int64_t> occurrences;
};

} // namespace

std::int64_t huffman_bits(const std::vector<std::int32_t>& values) {
  if (values.empty())
    return 0;
  const Histogram histogram(values);
  const std::vector<int> lengths = lengths_of(histogram.occurrences);
  HuffmanCode code;
  code.symbols = histogram.symbols;
  for (std::size_t i = 0; i < lengths.size(); ++i)
    code.stream_bits += lengths[i] * histogram.occurrences[i];
  return code.bits();
}

HuffmanCode encode_huffman(const std::vector<std::int32_t>& values) {
  const auto [symbols, occurrences] = Histogram(values);
  HuffmanCode code;
  code.count = static_cast<std::int64_t>(values.size());
  if (symbols.empty())
    return code;
  const std::vector<int> lengths = lengths_of(occurrences);
  std::vector<std::size_t> order(symbols.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] < lengths[b]; });
  for (const std::size_t i : order) {
    code.symbols.push_back(symbols[i]);
    code.lengths.push_back(static_cast<std::uint8_t>(lengths[i]));
  }
  const std::vector<std::uint64_t> codes = canonical_codes(code.lengths, "encoder");
  std::map<std::int32_t, std::size_t> place;
  for (std::size_t i = 0; i < code.symbols.size(); ++i)
    place[code.symbols[i]] = i;
  for (const std::int32_t value : values) {
    const std::size_t i = place[value];
    for (int bit = code.lengths[i] - 1; bit >= 0; --bit) {
      if (code.stream_bits % 8 == 0)
        code.stream.push_back(0);
      if (codes[i] >> bit & 1)
        code.stream.back() |= static_cast<std::uint8_t>(0x80 >> code.stream_bits % 8);
      ++code.stream_bits;
    }
  }
  return code;
}

std::vector<std::int32_t> decode_huffman(const HuffmanCode& code, const std::string& where) {
  require(code.symbols.size() == code.lengths.size() && code.count >= 0 &&
              code.count <= code.stream_bits &&
              code.stream_bits <= static_cast<std::int64_t>(code.stream.size()) * 8,
          "huffman", where + ": the stream is shorter than it says; the file is damaged");
  const std::vector<std::uint64_t> codes = canonical_codes(code.lengths, where);
  std::vector<std::int32_t> values;
  std::int64_t at = 0;
  while (static_cast<std::int64_t>(values.size()) < code.count) {
    std::uint64_t word = 0;
    std::size_t i = 0;
    int length = 0;
    while (true) {
      require(i < codes.size() && at < code.stream_bits, "huffman",
              where +
                  ": the stream ends inside a code or holds an unknown one; the file is damaged");
      word = word << 1 | (code.stream[at / 8] >> (7 - at % 8) & 1);
      ++at;
      ++length;
      while (i < codes.size() &&
             (code.lengths[i] < length || (code.lengths[i] == length && codes[i] < word)))
        ++i;
      if (i < codes.size() && code.lengths[i] == length && codes[i] == word)
        break;
    }
    values.push_back(code.symbols[i]);
  }
  require(at == code.stream_bits, "huffman",
          where + ": the stream goes on after the last value; the file is damaged");
  return values;
}

} // namespace latticelens
