#include "pretrain/token_windows.h"

#include "core/error.h"
#include "core/random.h"
#include "tensor/token_rows.h"
#include <ATen/ATen.h>
#include <numeric>

namespace latticelens {
namespace {

std::vector<std::int64_t> shuffled(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t last = count; last > 1; --last)
    std::swap(order[last - 1],
              order[static_cast<std::int64_t>(random.uniform() * static_cast<double>(last))]);
  return order;
}

} // namespace

std::vector<TokenId> packed_ids(const Tokenizer& tokenizer,
                                const std::vector<Document>& documents) {
  std::vector<TokenId> ids;
  for (const Document& document : documents) {
    ids.push_back(tokenizer.begin_of_text().value());
    const std::vector<TokenId> more = tokenizer.encode(document.text).ids;
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

ShuffledWindows::ShuffledWindows(const std::vector<TokenId>& ids, std::int64_t length,
                                 std::uint64_t seed)
    : seed_(seed) {
  const auto count = static_cast<std::int64_t>(ids.size()) / length;
  require(count >= 1, "pretrain",
          "the text has " + std::to_string(ids.size()) + " tokens, a window " +
              std::to_string(length) + "; give more text or a shorter --window");
  windows_ = token_rows(std::span(ids).first(static_cast<std::size_t>(count * length)), length);
}

std::int64_t ShuffledWindows::place(std::int64_t draw) {
  if (const std::int64_t pass = draw / count(); pass != pass_) {
    order_ = shuffled(count(), derived_seed(seed_, "windows " + std::to_string(pass)));
    pass_ = pass;
  }
  return order_[draw % count()];
}

Tensor ShuffledWindows::draw(std::int64_t draw, std::int64_t count) {
  std::vector<Tensor> drawn;
  for (std::int64_t i = 0; i < count; ++i)
    drawn.push_back(windows_[place(draw + i)]);
  return at::stack(drawn);
}

} // namespace latticelens
