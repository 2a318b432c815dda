// How a loss depends on a change of basis, without differentiating the weights that carry it.
//
// A basis R that is folded into weights turns into R Δ when every weight that reads the rotated
// vectors becomes W Δ and everything that writes them y Δ. At Δ = I this changes no value: it is a
// place in the forward pass where a gradient is summed up. Seen from the linear behind it, x (W Δ)ᵀ
// is (x Δᵀ) Wᵀ, so a reader's place is its input, after the quantizer. A step on Δ is a step on R.
#pragma once
#include "model/model.h"
#include "quantize/rotations.h"

namespace latticelens {

/// Δ of each site in one block: identities whose gradients are asked for; undefined where nothing
/// is learned.
struct BasisFactors {
  Tensor residual;     // [blocks, n, n] fp32
  Tensor value_output; // [blocks, m, m]
};

/// What one linear has to do with them: the factor in which it reads, undefined for none, and those
/// in which some of its outputs are written.
struct FactorsOfLinear {
  Tensor read;
  std::vector<std::pair<Rows, Tensor>> written;
};
FactorsOfLinear factors_of(const std::string& linear, const Layout& layout,
                           const BasisFactors& factors);

/// x Δᵀ on the last dimension, which is a multiple of the blocks' (heads side by side): the values
/// of x.
Tensor read_through(const Tensor& x, const Tensor& factor);
/// y with the columns of `rows` multiplied by Δ: the values of y.
Tensor write_rows(const Tensor& y, const Rows& rows, const Tensor& factor);

/// Of rows a and b [..., k * blocks * n], the sums over rows and k of a_bᵀ b_b: [blocks, n, n] like
/// `shape`. The same bytes at any thread count.
Tensor block_products(const Tensor& a, const Tensor& b, const Tensor& shape);

/// Puts the factors into a folded block's functions, after everything else is installed.
void install_basis_factors(Block& block, const Model& model, const BasisFactors& factors);

} // namespace latticelens
