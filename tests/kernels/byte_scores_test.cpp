#include "kernels/byte_scores.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace latticelens {
namespace {

std::vector<float> normals(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = normal(random);
  return values;
}

struct Scored {
  Scored(std::int64_t rows, std::int64_t columns, std::int64_t latents, std::int64_t wanted)
      : x(normals(rows * columns, 1)), matrix(normals(latents * columns, 2)),
        bias(normals(latents, 3)), steps(static_cast<std::size_t>(rows)),
        codes(static_cast<std::size_t>(rows * score_row_bytes(columns))),
        lists(static_cast<std::size_t>(rows), CandidateList(wanted)) {
    for (std::int64_t i = 0; i < rows; ++i)
      steps[i] = encode_scored_row(std::span(x).subspan(i * columns, columns),
                                   &codes[i * score_row_bytes(columns)]);
  }
  std::vector<float> x, matrix, bias, steps;
  std::vector<std::uint8_t> codes;
  std::vector<CandidateList> lists;
};

using AddScores = decltype(&add_scores);

/// Scores of all strips by one of the implementations.
std::vector<std::vector<Candidate>> largest(Scored& all, std::int64_t rows, std::int64_t columns,
                                            std::int64_t latents, AddScores add) {
  std::vector<std::uint8_t> strip(static_cast<std::size_t>(score_strip_bytes(columns)));
  for (CandidateList& list : all.lists)
    list.clear();
  for (std::int64_t first = 0; first < latents; first += score_strip_rows) {
    pack_score_strip(&all.matrix[first * columns], std::min(score_strip_rows, latents - first),
                     columns, &all.bias[first], strip.data());
    add(rows, columns, all.codes.data(), all.steps.data(), strip.data(),
        static_cast<std::int32_t>(first), all.lists.data());
  }
  std::vector<std::vector<Candidate>> found;
  for (CandidateList& list : all.lists) {
    const auto best = list.largest();
    found.emplace_back(best.begin(), best.end());
  }
  return found;
}

TEST(ByteScores, encodes_and_packs_as_the_reference_does) {
  for (const std::int64_t columns : {1, 3, 16, 31, 64, 130}) {
    const std::int64_t rows = 20;
    std::vector<float> matrix = normals(rows * columns, 8), bias = normals(rows, 9);
    std::fill(matrix.begin(), matrix.begin() + columns, 0.0f);
    matrix.back() *= 1000;
    std::vector<std::uint8_t> strip(static_cast<std::size_t>(score_strip_bytes(columns)), 7),
        wanted(strip.size(), 9), codes(static_cast<std::size_t>(score_row_bytes(columns))),
        wanted_codes(codes.size());
    pack_score_strip(matrix.data(), rows, columns, bias.data(), strip.data());
    reference::pack_score_strip(matrix.data(), rows, columns, bias.data(), wanted.data());
    EXPECT_EQ(strip, wanted) << columns;
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = std::span(matrix).subspan(i * columns, columns);
      EXPECT_EQ(encode_scored_row(row, codes.data()),
                reference::encode_scored_row(row, wanted_codes.data()));
      EXPECT_EQ(codes, wanted_codes) << columns;
    }
  }
}

TEST(ByteScores, kernel_gives_the_references_candidates_for_odd_shapes) {
  for (const std::int64_t rows : {1, 3, 8, 13})
    for (const std::int64_t columns : {1, 4, 7, 64, 130})
      for (const std::int64_t latents : {5, 48, 49, 300}) {
        Scored all(rows, columns, latents, 6);
        const auto expected = largest(all, rows, columns, latents, reference::add_scores),
                   found = largest(all, rows, columns, latents, add_scores);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(found[i].size(), expected[i].size());
          for (std::size_t j = 0; j < expected[i].size(); ++j) {
            EXPECT_EQ(found[i][j].place, expected[i][j].place) << rows << " " << columns;
            EXPECT_EQ(found[i][j].score, expected[i][j].score);
          }
        }
      }
}

TEST(ByteScores, are_near_the_products) {
  const std::int64_t columns = 256, latents = 480;
  Scored all(1, columns, latents, latents);
  const auto found = largest(all, 1, columns, latents, add_scores);
  ASSERT_EQ(found[0].size(), static_cast<std::size_t>(latents));
  double worst = 0;
  for (const Candidate& candidate : found[0]) {
    double exact = all.bias[candidate.place];
    for (std::int64_t k = 0; k < columns; ++k)
      exact += double{all.x[k]} * all.matrix[candidate.place * columns + k];
    worst = std::max(worst, std::fabs(candidate.score - exact));
  }
  EXPECT_LT(worst, 1.5); // products have a deviation of 16, both steps are about 3/127
  EXPECT_GT(worst, 0);
}

TEST(CandidateList, keeps_the_largest_and_of_equals_the_first) {
  std::mt19937 random(4);
  for (const std::int64_t wanted : {1, 5, 32}) {
    CandidateList list(wanted);
    list.clear();
    std::vector<Candidate> all;
    for (std::int32_t place = 0; place < 1000; ++place) {
      all.push_back({static_cast<float>(random() % 50), place});
      if (all.back().score > list.bar())
        list.add(all.back().score, place);
    }
    std::sort(all.begin(), all.end());
    const auto found = list.largest();
    ASSERT_EQ(std::ssize(found), wanted);
    for (std::int64_t i = 0; i < wanted; ++i) {
      EXPECT_EQ(found[i].place, all[i].place);
      EXPECT_EQ(found[i].score, all[i].score);
    }
  }
}

} // namespace
} // namespace latticelens
