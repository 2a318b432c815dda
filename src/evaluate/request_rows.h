// Requests laid out as rows of batches: what the requests of an item share at their beginning is
// there once.
#pragma once
#include "evaluate/token_requests.h"
#include "model/shared_rows.h"

namespace latticelens {

/// The hidden state of `row` predicts `token`, which belongs to request `request` of item `item`.
struct Prediction {
  std::int64_t row;
  TokenId token;
  std::size_t item, request;
};

struct RequestRows {
  std::vector<TokenId> ids;
  std::vector<std::vector<std::int64_t>> sequences; // rows of each request's input
  std::vector<Prediction> predictions;
};

struct RowOptions {
  std::int64_t at_once = 2048; // items are added to a batch until it has so many rows
  bool shared = true;          // false: every request has rows of its own
};

/// Items in order, whole items in a batch.
std::vector<RequestRows> request_rows(const std::vector<TokenItem>& items,
                                      const RowOptions& options);

SharedRows to_tensors(const RequestRows& rows);

} // namespace latticelens
