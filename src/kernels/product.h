// A matrix product whose right-hand side is a strip of fixed width: the bulk of every blocked
// lattice algorithm. Each element is one chain of fused multiply-adds in the order of k, so its
// bytes depend neither on threads nor on the instruction set.
#pragma once
#include <cstdint>

namespace latticelens {

/// Columns of a strip: a multiple of three vectors of every instruction set, in fp32 and fp64.
inline constexpr std::int64_t strip_width = 96;

/// Where the elements of a matrix lie: (i, k) at data[i * row + k * column].
template<class T>
struct StridedMatrix {
  const T* data = nullptr;
  std::int64_t row = 0, column = 1;
};

/// c[i, j] += sum_k a[i, k] b[k, j] for i < rows, k < depth, j < strip_width. b [depth,
/// strip_width] without gaps; rows of c are c_stride apart. T: float or double.
template<class T>
void add_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a, const T* b, T* c,
                 std::int64_t c_stride);
/// c = start [strip_width], the same for every row, + a b.
template<class T>
void product_from(const T* start, std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a,
                  const T* b, T* c, std::int64_t c_stride);
/// c -= a b.
template<class T>
void subtract_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a, const T* b,
                      T* c, std::int64_t c_stride);

namespace reference {
template<class T>
void add_product(std::int64_t rows, std::int64_t depth, const StridedMatrix<T>& a, const T* b, T* c,
                 std::int64_t c_stride);
} // namespace reference

} // namespace latticelens
