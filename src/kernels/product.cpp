#include "kernels/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product.cpp"
#include <hwy/foreach_target.h> // compiles this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace latticelens::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A tile of `Rows` rows and three vectors stays in registers over `depth`: 24 sums and three loads
// of b with 32 registers, 12 sums with 16.
constexpr int tile_vectors = 3;
constexpr int tile_rows = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM ? 8 : 4;
// Three vectors of b over this depth stay in the first-level cache for all rows.
constexpr std::int64_t tile_depth = 128;

/// What the sums start from: rows that are `stride` apart.
template<class T>
struct Starts {
  const T* data;
  std::int64_t stride;
};

template<int Rows, bool Subtract, class T>
HWY_INLINE void tile(std::int64_t depth, const StridedMatrix<T>& a, const T* b,
                     const Starts<T>& starts, T* c, std::int64_t c_stride) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sums[Rows][tile_vectors];
  HWY_UNROLL(8)
  for (int i = 0; i < Rows; ++i) {
    HWY_UNROLL(3)
    for (int v = 0; v < tile_vectors; ++v)
      sums[i][v] = hn::LoadU(d, starts.data + i * starts.stride + v * lanes);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    hn::Vec<decltype(d)> right[tile_vectors];
    HWY_UNROLL(3)
    for (int v = 0; v < tile_vectors; ++v)
      right[v] = hn::LoadU(d, b + k * strip_width + v * lanes);
    HWY_UNROLL(8)
    for (int i = 0; i < Rows; ++i) {
      const auto left = hn::Set(d, a.data[i * a.row + k * a.column]);
      HWY_UNROLL(3)
      for (int v = 0; v < tile_vectors; ++v)
        sums[i][v] = Subtract ? hn::NegMulAdd(left, right[v], sums[i][v])
                              : hn::MulAdd(left, right[v], sums[i][v]);
    }
  }
  HWY_UNROLL(8)
  for (int i = 0; i < Rows; ++i) {
    HWY_UNROLL(3)
    for (int v = 0; v < tile_vectors; ++v)
      hn::StoreU(sums[i][v], d, c + i * c_stride + v * lanes);
  }
}

/// All rows of one part of the depth and three vectors of columns.
template<bool Subtract, class T>
void tile_column(std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a, const T* b,
                 const Starts<T>& starts, T* c, std::int64_t c_stride) {
  std::int64_t i = 0;
  const auto from = [&](std::int64_t row) {
    return StridedMatrix<T>{a.data + row * a.row, a.row, a.column};
  };
  const auto start = [&](std::int64_t row) {
    return Starts<T>{starts.data + row * starts.stride, starts.stride};
  };
  for (; i + tile_rows <= rows; i += tile_rows)
    tile<tile_rows, Subtract>(depth, from(i), b, start(i), c + i * c_stride, c_stride);
  for (; i < rows; ++i)
    tile<1, Subtract>(depth, from(i), b, start(i), c + i * c_stride, c_stride);
}

template<bool Subtract, class T>
void product(std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a, const T* b,
             Starts<T> starts, T* c, std::int64_t c_stride) {
  const auto columns = tile_vectors * static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  std::int64_t k = 0;
  do { // once for no depth at all: what is started from
    const StridedMatrix<T> part{a.data + k * a.column, a.row, a.column};
    for (std::int64_t j = 0; j < strip_width; j += columns)
      tile_column<Subtract>(rows, std::min(tile_depth, depth - k), part, b + k * strip_width + j,
                            {starts.data + j, starts.stride}, c + j, c_stride);
    starts = {c, c_stride};
    k += tile_depth;
  } while (k < depth);
}

void add_floats(std::int64_t rows, std::int64_t depth, const StridedMatrix<float>& a,
                const float* b, float* c, std::int64_t c_stride) {
  product<false>(rows, depth, a, b, {c, c_stride}, c, c_stride);
}
void add_doubles(std::int64_t rows, std::int64_t depth, const StridedMatrix<double>& a,
                 const double* b, double* c, std::int64_t c_stride) {
  product<false>(rows, depth, a, b, {c, c_stride}, c, c_stride);
}
void floats_from(const float* start, std::int64_t rows, std::int64_t depth,
                 const StridedMatrix<float>& a, const float* b, float* c, std::int64_t c_stride) {
  product<false>(rows, depth, a, b, {start, 0}, c, c_stride);
}
void doubles_from(const double* start, std::int64_t rows, std::int64_t depth,
                  const StridedMatrix<double>& a, const double* b, double* c,
                  std::int64_t c_stride) {
  product<false>(rows, depth, a, b, {start, 0}, c, c_stride);
}
void subtract_floats(std::int64_t rows, std::int64_t depth, const StridedMatrix<float>& a,
                     const float* b, float* c, std::int64_t c_stride) {
  product<true>(rows, depth, a, b, {c, c_stride}, c, c_stride);
}
void subtract_doubles(std::int64_t rows, std::int64_t depth, const StridedMatrix<double>& a,
                      const double* b, double* c, std::int64_t c_stride) {
  product<true>(rows, depth, a, b, {c, c_stride}, c, c_stride);
}

} // namespace latticelens::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latticelens {

HWY_EXPORT(add_floats);
HWY_EXPORT(add_doubles);
HWY_EXPORT(floats_from);
HWY_EXPORT(doubles_from);
HWY_EXPORT(subtract_floats);
HWY_EXPORT(subtract_doubles);

template<>
void add_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<float>& a,
                 const float* b, float* c, std::int64_t c_stride) {
  HWY_DYNAMIC_DISPATCH(add_floats)(rows, depth, a, b, c, c_stride);
}
template<>
void add_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<double>& a,
                 const double* b, double* c, std::int64_t c_stride) {
  HWY_DYNAMIC_DISPATCH(add_doubles)(rows, depth, a, b, c, c_stride);
}
template<>
void product_from(const float* start, std::int64_t rows, std::int64_t depth,
                  const StridedMatrix<float>& a, const float* b, float* c, std::int64_t c_stride) {
  HWY_DYNAMIC_DISPATCH(floats_from)(start, rows, depth, a, b, c, c_stride);
}
template<>
void product_from(const double* start, std::int64_t rows, std::int64_t depth,
                  const StridedMatrix<double>& a, const double* b, double* c,
                  std::int64_t c_stride) {
  HWY_DYNAMIC_DISPATCH(doubles_from)(start, rows, depth, a, b, c, c_stride);
}
template<>
void subtract_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<float>& a,
                      const float* b, float* c, std::int64_t c_stride) {
  HWY_DYNAMIC_DISPATCH(subtract_floats)(rows, depth, a, b, c, c_stride);
}
template<>
void subtract_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<double>& a,
                      const double* b, double* c, std::int64_t c_stride) {
  HWY_DYNAMIC_DISPATCH(subtract_doubles)(rows, depth, a, b, c, c_stride);
}

namespace reference {

template<class T>
void add_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a, const T* b, T* c,
                 std::int64_t c_stride) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t k = 0; k < depth; ++k)
      for (std::int64_t j = 0; j < strip_width; ++j)
        c[i * c_stride + j] =
            std::fma(a.data[i * a.row + k * a.column], b[k * strip_width + j], c[i * c_stride + j]);
}

template void add_product(std::int64_t, std::int64_t, const StridedMatrix<float>&, const float*,
                          float*, std::int64_t);
template void add_product(std::int64_t, std::int64_t, const StridedMatrix<double>&, const double*,
                          double*, std::int64_t);

} // namespace reference
} // namespace latticelens
#endif
