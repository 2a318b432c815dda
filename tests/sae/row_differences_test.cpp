#include "sae/row_differences.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace latticelens {
namespace {

TEST(RowDifferences, equal_plain_operations_for_odd_shapes) {
  at::manual_seed(2);
  for (const std::int64_t rows : {1, 33})
    for (const std::int64_t width : {1, 15, 16, 40, 129}) {
      const Tensor x = at::randn({rows, width}), y = at::randn({rows, width}),
                   z = at::randn({width});
      for (const Tensor& other : {y, z}) {
        const RowDifferences found = row_differences(x, other, 0.5f);
        EXPECT_TRUE(at::allclose(found.scaled, 0.5 * (x - other), 1e-6, 1e-6));
        const double wanted = (x - other).to(at::kDouble).square().sum().item<double>();
        EXPECT_NEAR(found.square / wanted, 1, 1e-5) << rows << " " << width;
      }
    }
}

} // namespace
} // namespace latticelens
