// How well a model predicts a text, and how far it is from another model: perplexity, KL
// divergence, top-token agreement.
#pragma once
#include "model/model.h"
#include "tensor/linear.h"
#include "text/corpus.h"
#include <optional>

namespace latticelens {

/// Against another model on the same positions.
struct Divergence {
  double original_mean_loss = 0; // of the other model, as Evaluation::mean_loss
  double kl = 0;                 // mean over positions of KL(original || model), nats per token
  double top1_agreement = 0;     // share of positions whose most likely token is the same
  std::vector<double> window_kl;
};

struct Evaluation {
  std::vector<double>
      window_loss;       // mean negative log-likelihood of each window's length-1 predictions
  double mean_loss = 0;  // mean over windows
  double perplexity = 0; // exp(mean_loss)
  std::optional<Divergence> divergence;
};

/// A model's head, ready for many products.
struct Head {
  explicit Head(const Linear& linear);
  std::optional<StripMatrix> strips; // where our kernels can read the weight
  Tensor weight;                     // [vocabulary, hidden] where they cannot
  Tensor bias;                       // [vocabulary], or undefined
};

/// What a model makes of a text.
struct Side {
  std::vector<Tensor> hidden; // of each window, after the final norm
  Head head;
};
/// `progress` after each block.
Side side_of(const Model& model, const TokenWindows& windows,
             const std::function<void()>& progress = {});

/// What the models say at some positions [n] of a window: position first + i predicts the token
/// behind it. On the CPU. Undefined without an original: all but the loss.
struct Positions {
  std::int64_t window = 0, first = 0;
  Tensor loss, original_loss;           // F64, nats, of the token that comes
  Tensor kl;                            // F64, KL(original || model)
  Tensor likeliest, original_likeliest; // I64
};

/// How well `model` predicts the windows and how far it is from `original`, if given, which must
/// have the same vocabulary. `progress` after each window, `each` with all positions in turn.
Evaluation compare(const Side& model, const Side* original, const TokenWindows& windows,
                   const std::function<void()>& progress = {},
                   const std::function<void(const Positions&)>& each = {});

/// Both: the WikiText-2 protocol (quantization-peers.md §5.1). Error: vocabularies of different
/// sizes. `progress` after each block and window.
Evaluation evaluate(const Model& model, const Model* original, const TokenWindows& windows,
                    const std::function<void()>& progress = {},
                    const std::function<void(const Positions&)>& each = {});

/// How often `progress` is called.
std::int64_t evaluation_steps(const Model& model, const Model* original,
                              const TokenWindows& windows);

/// Logits [t, vocabulary] of hidden states [t, d] (after the final norm).
Tensor logits_of(const Tensor& hidden, const Head& head);

} // namespace latticelens
