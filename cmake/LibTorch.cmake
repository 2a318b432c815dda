# Defines LibTorch::LibTorch from the PyPI wheel's headers and shared libraries (no CUDA toolkit, no find_package(Torch)).
# Looked for in: LIBTORCH_ROOT / Torch_DIR (variable or environment), .deps/libtorch, the torch of `python3`.
set(LIBTORCH_ROOT "$ENV{LIBTORCH_ROOT}" CACHE PATH "folder with include/ and lib/libtorch_cpu.so")
set(_lt_hints ${LIBTORCH_ROOT})
foreach(_d "${Torch_DIR}" "$ENV{Torch_DIR}")  # .../share/cmake/Torch
  if(_d)
    list(APPEND _lt_hints "${_d}/../../..")
  endif()
endforeach()
list(APPEND _lt_hints "${PROJECT_SOURCE_DIR}/.deps/libtorch/torch")
find_library(LIBTORCH_CPU torch_cpu PATHS ${_lt_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH) # never Debian's 1.13
if(NOT LIBTORCH_CPU)
  find_program(LIBTORCH_PYTHON python3)
  execute_process(COMMAND ${LIBTORCH_PYTHON} -c
      "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE _lt_py OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_library(LIBTORCH_CPU torch_cpu PATHS "${_lt_py}/lib" NO_DEFAULT_PATH)
endif()
if(NOT LIBTORCH_CPU)
  message(FATAL_ERROR "LibTorch not found: run scripts/setup, or give -DLIBTORCH_ROOT=DIR")
endif()
get_filename_component(LIBTORCH_LIB "${LIBTORCH_CPU}" DIRECTORY)
get_filename_component(_lt_root "${LIBTORCH_LIB}" DIRECTORY)
file(STRINGS "${_lt_root}/include/torch/headeronly/version.h" _lt_v REGEX "define TORCH_VERSION_M[AI][A-Z]+ [0-9]+")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" LIBTORCH_VERSION "${_lt_v}")
if(LIBTORCH_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "LibTorch ${LIBTORCH_VERSION} in ${_lt_root} is older than 2.11")
endif()
find_package(Threads REQUIRED)
add_library(LibTorch::LibTorch INTERFACE IMPORTED GLOBAL)
target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
  "${_lt_root}/include" "${_lt_root}/include/torch/csrc/api/include")
target_compile_features(LibTorch::LibTorch INTERFACE cxx_std_20)
target_compile_definitions(LibTorch::LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1 USE_C10D_GLOO USE_DISTRIBUTED)
# at::parallel_for is a template over OpenMP in its caller: without -fopenmp it silently runs on one thread.
# The compile flag only: libtorch_cpu's own libgomp serves the binary, so there is one OpenMP runtime.
# Clang would call its own runtime, libomp, instead: it builds the fuzzers only, which run on one thread.
target_compile_options(LibTorch::LibTorch INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fopenmp>)
file(GLOB _lt_gomp "${LIBTORCH_LIB}/libgomp*.so*" "${_lt_root}/../torch.libs/libgomp*.so*")
target_link_libraries(LibTorch::LibTorch INTERFACE "${LIBTORCH_CPU}" "${LIBTORCH_LIB}/libc10.so" ${_lt_gomp} Threads::Threads)
# DT_RPATH, not DT_RUNPATH: it serves the libraries' own dependencies too. CMake writes the path: of LIBTORCH_LIB in the
# build folder, of cmake/Install.cmake in an installed program.
target_link_options(LibTorch::LibTorch INTERFACE LINKER:--disable-new-dtags LINKER:--allow-shlib-undefined)
# CUDA is loaded at run time (src/tensor/cuda_loader.cpp); ON links it, which needs cuBLAS, cuDNN, ... at every start.
option(LATTICELENS_LINK_CUDA "link libtorch_cuda instead of loading it at run time" OFF)
if(LATTICELENS_LINK_CUDA)
  target_link_libraries(LibTorch::LibTorch INTERFACE -Wl,--no-as-needed "${LIBTORCH_LIB}/libtorch_cuda.so"
    "${LIBTORCH_LIB}/libc10_cuda.so" -Wl,--as-needed)
endif()
message(STATUS "LibTorch ${LIBTORCH_VERSION}: ${_lt_root}")
