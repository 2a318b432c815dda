#include "evaluate/request_rows.h"

#include <ATen/ATen.h>

namespace latticelens {
namespace {

/// How many tokens all inputs (ids without the last) begin with.
std::size_t shared_beginning(const TokenItem& item) {
  const auto& first = item.front().ids;
  std::size_t shared = first.size() - 1;
  for (const TokenRequest& request : item) {
    const auto input_end = request.ids.end() - 1;
    shared = std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(shared),
                           request.ids.begin(), input_end)
                 .first -
             first.begin();
  }
  return shared;
}

class ItemRows {
 public:
  explicit ItemRows(RequestRows& to) : to_(to) {}

  void add(const TokenItem& item, std::size_t index, bool shared) {
    const std::size_t beginning = shared ? shared_beginning(item) : 0;
    const std::vector<std::int64_t> common = append(item.front().ids, 0, beginning);
    for (std::size_t i = 0; i < item.size(); ++i) {
      std::vector<std::int64_t> sequence = common;
      const auto own = append(item[i].ids, beginning, item[i].ids.size() - 1);
      sequence.insert(sequence.end(), own.begin(), own.end());
      predict(item[i], sequence, index, i);
      to_.sequences.push_back(std::move(sequence));
    }
  }

 private:
  /// Rows of the tokens [begin, end).
  std::vector<std::int64_t> append(const std::vector<TokenId>& ids, std::size_t begin,
                                   std::size_t end) {
    std::vector<std::int64_t> rows;
    for (std::size_t i = begin; i < end; ++i) {
      rows.push_back(static_cast<std::int64_t>(to_.ids.size()));
      to_.ids.push_back(ids[i]);
    }
    return rows;
  }
  void predict(const TokenRequest& request, const std::vector<std::int64_t>& sequence,
               std::size_t item, std::size_t index) {
    for (std::size_t i = request.context_tokens; i < request.ids.size(); ++i)
      to_.predictions.push_back({sequence[i - 1], request.ids[i], item, index});
  }
  RequestRows& to_;
};

} // namespace

std::vector<RequestRows> request_rows(const std::vector<TokenItem>& items,
                                      const RowOptions& options) {
  std::vector<RequestRows> batches;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (batches.empty() || static_cast<std::int64_t>(batches.back().ids.size()) >= options.at_once)
      batches.emplace_back();
    ItemRows(batches.back()).add(items[i], i, options.shared);
  }
  return batches;
}

SharedRows to_tensors(const RequestRows& rows) {
  SharedRows tensors{at::tensor(rows.ids, at::kLong), {}};
  for (const auto& sequence : rows.sequences)
    tensors.sequences.push_back(at::tensor(sequence, at::kLong));
  return tensors;
}

} // namespace latticelens
