# latticelens_layer(NAME [TORCH] [USES other layers] [LINKS outside libraries]): one static library of src/NAME.
# TORCH: the sources include ATen and reuse the shared precompiled header.
set(latticelens_warnings -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers -Werror)

function(latticelens_layer name)
  cmake_parse_arguments(LAYER "TORCH" "" "USES;LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  if(NOT sources) # a layer that is only headers so far
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name} INTERFACE ${LAYER_USES} ${LAYER_LINKS})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${LAYER_USES} ${LAYER_LINKS})
  target_compile_options(${name} PRIVATE ${latticelens_warnings})
  if(LAYER_TORCH)
    target_link_libraries(${name} PUBLIC LibTorch::LibTorch)
    target_precompile_headers(${name} REUSE_FROM torch_pch)
  endif()
endfunction()
