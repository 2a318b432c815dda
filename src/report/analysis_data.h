// analysis.json with types. Wrong types and impossible numbers are Errors that name the file and
// the analysis.
#pragma once
#include "report/numbers.h"
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace latticelens::report {

struct CurvesPicture {
  std::string title, x, y;
  bool x_logarithmic = false, y_logarithmic = false;
  std::vector<std::pair<std::string, std::vector<std::pair<double, double>>>> curves;
  std::string caption;
};

struct ExponentsPicture {
  std::string title;
  std::vector<std::pair<std::string, std::map<int, std::int64_t>>> rows;
  std::string caption;
};

struct TablePicture {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::variant<std::string, double>>> rows;
  std::string caption;
};

using Picture = std::variant<CurvesPicture, ExponentsPicture, TablePicture>;

struct AnalysisEntry {
  std::string name, title, source, claim, verdict, sentence;
  std::vector<Picture> pictures;
};

struct AnalysisData {
  std::string model, format, of, gains;
  std::vector<std::string> text;
  std::int64_t windows = 0, window = 0, rows = 0, layers = 0, samples = 0;
  double outlier_share = absent, seconds = absent, peak_memory = absent;
  std::vector<AnalysisEntry> analyses;
};

/// Is there an analysis.json in this folder?
bool is_analysis(const std::filesystem::path& folder);

AnalysisData read_analysis_data(const std::filesystem::path& folder);

} // namespace latticelens::report
