// The program's commands: one file each, declared in one list.
#pragma once
#include <CLI/CLI.hpp>

namespace latticelens {

void add_quantize(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_generate(CLI::App& program);
void add_compare(CLI::App& program);
void add_bench(CLI::App& program);
void add_report(CLI::App& program);
void add_analyse(CLI::App& program);
void add_inspect(CLI::App& program);
void add_reduce(CLI::App& program);
void add_list(CLI::App& program);
void add_logits(CLI::App& program);
void add_tokenize(CLI::App& program);
void add_pretrain(CLI::App& program);
void add_export(CLI::App& program);
void add_convert(CLI::App& program);
void add_sae(CLI::App& program);

// These three are made from the declarations of all the others.
void add_help(CLI::App& program);
void add_completion(CLI::App& program);
void add_man(CLI::App& program);

} // namespace latticelens
