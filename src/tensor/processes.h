// Processes that compute one thing together, on one machine or several.
#pragma once
#include "tensor/tensor.h"
#include <memory>

namespace latticelens {

class Processes {
 public:
  virtual ~Processes() = default;
  virtual std::int64_t rank() const = 0;
  virtual std::int64_t count() const = 0;
  /// The rows of all processes in the order of their ranks: mine [rows, ...] may differ in rows
  /// only. On the CPU. Called by all of them.
  virtual Tensor gather_rows(const Tensor& mine) = 0;
  /// Returns when all have called it.
  virtual void wait_for_all() = 0;

  /// The one that writes files.
  bool writes() const { return rank() == 0; }
  /// Of so many rows those of this process: [first, last), in the order of ranks.
  std::pair<std::int64_t, std::int64_t> share_of(std::int64_t rows) const {
    return {rows * rank() / count(), rows * (rank() + 1) / count()};
  }
};

std::shared_ptr<Processes> one_process();

/// What torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT) or mpirun (OMPI_COMM_WORLD_RANK and
/// _SIZE, with MASTER_ADDR and MASTER_PORT) say; one process when they say nothing. Errors:
/// numbers that are none, no address, the others cannot be reached.
std::shared_ptr<Processes> processes_of_environment();

} // namespace latticelens
