// What a sparse autoencoder's latents cost: sums of a few rows of a large matrix, and the gradients
// of one latent from the inputs that used it, without a matrix [batch, latents].
#pragma once
#include <cstdint>
#include <span>

namespace latticelens {

/// x · y of one length.
float dot(std::span<const float> x, std::span<const float> y);
/// x *= a.
void scale(float a, std::span<float> x);
/// y += a x.
void add_scaled(float a, std::span<const float> x, std::span<float> y);

/// One input that used a latent.
struct LatentUse {
  std::uint32_t input;  // its row in the batch
  std::uint32_t target; // which of the gradients of reconstructions it is for
  float value;          // of the latent
};

/// A batch as the latents' gradients see it: inputs [B, d] as the encoder reads them, and for each
/// target the loss's gradient by the reconstruction [B, d].
struct UsedBatch {
  const float* inputs;
  const float* const* gradients; // by target
  std::int64_t width;
};

/// Of one latent: the gradients of its row of the decoder and of the encoder (both [d],
/// overwritten), and of its encoder bias (returned). The latent's own gradient at an input is that
/// of the reconstruction times its decoder row; nothing passes where ReLU gave zero. Uses are
/// summed in their order.
float latent_gradients(const UsedBatch& batch, std::span<const LatentUse> uses,
                       std::span<const float> decoder_row, std::span<float> decoder_gradient,
                       std::span<float> encoder_gradient);

/// The obvious implementations.
namespace reference {
float dot(std::span<const float> x, std::span<const float> y);
float latent_gradients(const UsedBatch& batch, std::span<const LatentUse> uses,
                       std::span<const float> decoder_row, std::span<float> decoder_gradient,
                       std::span<float> encoder_gradient);
} // namespace reference

} // namespace latticelens
