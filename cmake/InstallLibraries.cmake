# At install time: copies the shared libraries of LATTICELENS_PROGRAM into lib/latticelens, by their sonames, those of theirs too.
# The component `libraries`: what no distribution has (LibTorch and its own); `distribution_libraries`: the others, but for
# the C and C++ runtimes, which must be the system's.
set(system_folders "^(/usr)?/lib(64)?(/x86_64-linux-gnu)?/[^/]+$")
set(runtimes "^(ld-linux.*|linux-vdso|lib(c|m|rt|dl|pthread|util|stdc\\+\\+|gcc_s|asan|ubsan|tsan))\\.so")
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES "${LATTICELENS_PROGRAM}" PRE_EXCLUDE_REGEXES "${runtimes}"
  RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing)
if(missing)
  message(FATAL_ERROR "[install] shared libraries that are not there: ${missing}; run scripts/setup and build again")
endif()
foreach(library ${found})
  set(component libraries)
  if(library MATCHES "${system_folders}")
    set(component distribution_libraries)
  endif()
  if(component STREQUAL LATTICELENS_COMPONENT)
    get_filename_component(soname "${library}" NAME)
    get_filename_component(real "${library}" REALPATH)
    file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/latticelens" TYPE FILE FILES "${real}" RENAME "${soname}")
  endif()
endforeach()
