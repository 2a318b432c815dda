#include "report/page.h"

#include "report/analysis_json.h"
#include "report/file_name.h"
#include "report/page_bundle.h"
#include "report/printable.h"
#include "report/run_json.h"
#include "report/sae_json.h"

namespace latticelens::report {
namespace {

/// JSON that can stand in a <script> element: no "<" means no "</script" and no "<!--".
std::string embedded(const Json& json) {
  std::string text;
  for (const char c : to_text(json))
    text += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return text;
}

/// Nothing may be fetched: the page's own style and script are all there is.
constexpr const char* policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

std::string page(const std::string& title, const Json& data) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         std::string(policy) + "\">\n<title>" + escaped(title) + "</title>\n<style>" + page_style +
         "</style>\n</head>\n<body>\n<noscript>This page draws its numbers with JavaScript, which "
         "is switched off; latticelens report --json prints them.</noscript>\n"
         "<script type=\"application/json\" id=\"data\">" +
         embedded(data) + "</script>\n<script>" + page_script + "</script>\n</body>\n</html>\n";
}

std::string model_name(const RunData& run) {
  return run.model && !run.model->path.empty() ? file_name(run.model->path) : "model";
}

} // namespace

std::string run_page(const RunData& run) {
  const std::string method = run.preset.empty() ? "own method" : run.preset;
  return page(model_name(run) + ", " + method + " – LatticeLens",
              {{"kind", "run"}, {"run", run_json(run)}});
}

std::string comparison_page(const std::vector<ComparedRun>& runs,
                            const std::optional<std::filesystem::path>& base) {
  return page(std::to_string(runs.size()) + " runs compared – LatticeLens",
              {{"kind", "comparison"}, {"comparison", comparison_json(runs, base)}});
}

std::string analysis_page(const AnalysisData& data) {
  return page(file_name(data.model) + " – LatticeLens analysis",
              {{"kind", "analysis"}, {"analysis", analysis_json(data)}});
}

std::string sae_page(const SaeData& data) {
  return page(file_name(data.folder) + " – LatticeLens autoencoders",
              {{"kind", "sae"}, {"sae", sae_json(data)}});
}

} // namespace latticelens::report
