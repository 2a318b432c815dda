// A task of multiple choice: rows of a data set in, requests for log-likelihoods out.
#pragma once
#include "core/json.h"
#include <filesystem>
#include <string>
#include <vector>

namespace latticelens {

/// How likely is the continuation after the context?
struct Request {
  std::string context, continuation;
};

/// One question; the model's answer is the choice whose request is most likely.
struct Item {
  std::vector<Request> requests;        // one a choice
  std::vector<std::int64_t> characters; // of each choice, without the space before it
  std::size_t label = 0;                // the right choice
  std::string where;                    // "piqa.jsonl line 3"
};

struct Task {
  const char* name;
  const char* help;
  bool normalized;                // has acc_norm: likelihoods divided by the choices' characters
  const char* fields;             // of a row, for error messages
  const char* words;              // in the path of a .parquet file that holds this split
  std::vector<std::string> files; // without .jsonl, as people have them; the first is preferred
  Item (*item)(const Json& row, const std::string& where);
};

/// Every task there is.
const std::vector<Task>& tasks();

/// Errors list the known tasks.
const Task& task_named(const std::string& name);

} // namespace latticelens
