#include "tensor/single_thread.h"

extern "C" int MKL_Set_Num_Threads_Local(
    int threads); // exported by libtorch_cpu; the lower-case name takes a pointer

namespace latticelens {

SingleThreadMkl::SingleThreadMkl() : before_(MKL_Set_Num_Threads_Local(1)) {}
SingleThreadMkl::~SingleThreadMkl() {
  MKL_Set_Num_Threads_Local(before_);
}

} // namespace latticelens
