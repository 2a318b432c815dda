// LAPACK calls whose bytes must not depend on the number of threads.
#pragma once

namespace latticelens {

/// While it lives, MKL inside LibTorch runs on one thread in this thread: factorisations and long
/// dot products round differently on one and two threads.
class SingleThreadMkl {
 public:
  SingleThreadMkl();
  ~SingleThreadMkl();
  SingleThreadMkl(const SingleThreadMkl&) = delete;
  SingleThreadMkl& operator=(const SingleThreadMkl&) = delete;

 private:
  int before_;
};

} // namespace latticelens
