#include "sae/geometric_median.h"

#include "core/error.h"
#include "tests/sae/random_coder.h"
#include "tests/support.h"
#include <ATen/Parallel.h>
#include <cmath>

namespace latticelens {
namespace {

using testing::normal;

Tensor points(std::vector<float> values, std::int64_t width) {
  return at::tensor(values).view({-1, width});
}

double distance(const Tensor& left, const Tensor& right) {
  return (left.to(at::kDouble) - right.to(at::kDouble)).norm().item<double>();
}

double sum_of_distances(const Tensor& x, const Tensor& y) {
  return (x.to(at::kDouble) - y).norm(2, {1}).sum().item<double>();
}

TEST(GeometricMedian, of_a_line_is_the_middle_point) {
  const GeometricMedian median = geometric_median(points({-3, 0, 1, 7, 100}, 1));
  EXPECT_TRUE(median.converged);
  EXPECT_EQ(median.point.item<double>(), 1);
}

TEST(GeometricMedian, of_a_convex_quadrilateral_is_where_the_diagonals_meet) {
  const GeometricMedian median = geometric_median(points({0, 0, 8, 8, 0, 2, 3, 0}, 2));
  // y = x and y = 2 - 2/3 x
  EXPECT_LT(distance(median.point, at::tensor({1.2, 1.2}, at::kDouble)), 1e-9);
}

TEST(GeometricMedian, of_a_triangle_sees_all_sides_under_120_degrees) {
  const Tensor corners = points({0, 0, 4, 0, 1, 3}, 2);
  const GeometricMedian median = geometric_median(corners);
  EXPECT_TRUE(median.converged);
  const Tensor to_corners = corners.to(at::kDouble) - median.point;
  const Tensor units = to_corners / to_corners.norm(2, {1}, true);
  const Tensor cosines = at::mm(units, units.t());
  EXPECT_NEAR(cosines[0][1].item<double>(), -0.5, 1e-9);
  EXPECT_NEAR(cosines[0][2].item<double>(), -0.5, 1e-9);
  EXPECT_NEAR(cosines[1][2].item<double>(), -0.5, 1e-9);
}

TEST(GeometricMedian, of_a_triangle_with_a_wide_corner_is_that_corner) {
  const GeometricMedian median = geometric_median(points({0, 0, 10, 0.5f, -9, 0.5f}, 2));
  EXPECT_TRUE(median.converged);
  EXPECT_EQ(distance(median.point, at::zeros({2})), 0);
  EXPECT_EQ(median.gradient, 0);
}

/// The plain iteration would take more than a thousand steps there.
TEST(GeometricMedian, of_a_triangle_with_a_corner_hardly_above_120_degrees_is_that_corner) {
  const double half = 60.05 * 3.14159265358979 / 180;
  const auto x = static_cast<float>(std::cos(half)), y = static_cast<float>(std::sin(half));
  const GeometricMedian median = geometric_median(points({0, 0, x, y, 2 * x, -2 * y}, 2));
  EXPECT_TRUE(median.converged);
  EXPECT_EQ(distance(median.point, at::zeros({2})), 0);
}

TEST(GeometricMedian, coincident_points_are_no_division_by_zero) {
  // More than half at one place: that is the median, even though the mean lies elsewhere.
  const Tensor heavy = at::cat({at::full({60, 3}, 2.5f), normal({50, 3}, 4) * 10});
  const GeometricMedian median = geometric_median(heavy);
  EXPECT_TRUE(median.converged);
  EXPECT_EQ(distance(median.point, at::full({3}, 2.5f)), 0);
  // The mean is one of the points, and not the median: that sees the left ones under 60 degrees.
  const Tensor cross = points({0, 0, 9, 0, -3, 1, -3, -1, -3, 0}, 2);
  const GeometricMedian from_a_point = geometric_median(cross);
  EXPECT_TRUE(from_a_point.converged);
  const Tensor expected = at::tensor({-3 + 1 / std::sqrt(3.0), 0.0}, at::kDouble);
  EXPECT_LT(distance(from_a_point.point, expected), 1e-9);
  EXPECT_EQ(distance(geometric_median(at::full({7, 4}, 3.f)).point, at::full({4}, 3.f)), 0);
  EXPECT_EQ(distance(geometric_median(at::full({1, 2}, 5.f)).point, at::full({2}, 5.f)), 0);
}

TEST(GeometricMedian, the_gradient_vanishes_and_no_place_around_is_better) {
  const Tensor x = testing::unit_rows(testing::random_inputs(700, 20));
  const GeometricMedian median = geometric_median(x);
  EXPECT_TRUE(median.converged);
  const Tensor away = median.point - x.to(at::kDouble);
  const Tensor gradient = (away / away.norm(2, {1}, true)).mean(0);
  EXPECT_LT(gradient.norm().item<double>(), 1e-11);
  EXPECT_NEAR(median.gradient, gradient.norm().item<double>(), 1e-12);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Tensor beside = median.point + normal({20}, seed).to(at::kDouble) * 1e-3;
    EXPECT_LT(sum_of_distances(x, median.point), sum_of_distances(x, beside));
  }
}

TEST(GeometricMedian, the_order_of_the_points_does_not_matter) {
  const Tensor x = testing::random_inputs(1000, 16);
  const Tensor one = geometric_median(x).point, other = geometric_median(x.flip(0)).point;
  const Tensor shuffled = x.index_select(0, normal({1000}, 3).argsort());
  EXPECT_LT(distance(one, other), 1e-9);
  EXPECT_LT(distance(one, geometric_median(shuffled).point), 1e-9);
}

TEST(GeometricMedian, moves_and_scales_with_the_points) {
  const Tensor x = testing::random_inputs(300, 8), shift = normal({8}, 6) * 4;
  const Tensor plain = geometric_median(x).point;
  EXPECT_LT(distance(geometric_median(x * 4).point, plain * 4), 1e-9);
  EXPECT_LT(distance(geometric_median(x + shift).point, plain + shift), 1e-5); // x + shift rounds
}

TEST(GeometricMedian, threads_change_no_bit) {
  const Tensor x = testing::random_inputs(3000, 24);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = geometric_median(x).point;
  at::set_num_threads(3);
  const Tensor three = geometric_median(x).point;
  at::set_num_threads(before);
  EXPECT_TRUE(one.equal(three));
}

TEST(GeometricMedian, says_when_it_stopped_early) {
  const GeometricMedian median =
      geometric_median(testing::random_inputs(100, 6), {.most_iterations = 1});
  EXPECT_FALSE(median.converged);
  EXPECT_EQ(median.iterations, 1);
  EXPECT_GT(median.gradient, 1e-12);
}

TEST(GeometricMedian, refuses_nothing_and_what_is_not_finite) {
  EXPECT_ERROR(geometric_median(at::zeros({0, 4})), "needs points");
  EXPECT_ERROR(geometric_median(at::full({3, 4}, NAN)), "not finite");
}

} // namespace
} // namespace latticelens
