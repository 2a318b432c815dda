# cmake --install: a prefix that runs from wherever it lies. bin/latticelens finds its libraries in ../lib/latticelens.
# Components: by default all but distribution_libraries, which a prefix for other systems (tarball, wheel) has too.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # the program is enough: tests need not be built
set_target_properties(latticelens PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/latticelens")
install(TARGETS latticelens RUNTIME DESTINATION bin COMPONENT program)
install(FILES LICENSE DESTINATION share/doc/latticelens COMPONENT program)

get_filename_component(latticelens_wheels "${LIBTORCH_LIB}/../.." ABSOLUTE)
function(latticelens_install_step script component)
  install(CODE "
    set(LATTICELENS_PROGRAM \"$<TARGET_FILE:latticelens>\")
    set(LATTICELENS_SOURCE \"${PROJECT_SOURCE_DIR}\")
    set(LATTICELENS_WHEELS \"${latticelens_wheels}\")
    set(LATTICELENS_WORK \"${PROJECT_BINARY_DIR}/install\")
    set(LATTICELENS_COMPONENT ${component})
    include(\"${PROJECT_SOURCE_DIR}/cmake/${script}.cmake\")" COMPONENT ${component} ${ARGN})
endfunction()
latticelens_install_step(InstallLibraries libraries)
latticelens_install_step(InstallLibraries distribution_libraries EXCLUDE_FROM_ALL)
latticelens_install_step(InstallTexts texts)

set(CPACK_PACKAGE_VENDOR "LatticeLens")
set(CPACK_PACKAGE_CONTACT "The LatticeLens maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "quantize large language models to 4 bits and see what was lost")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/cmake/PackageSettings.cmake")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd) # half a gigabyte of LibTorch: xz takes minutes
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${LIBTORCH_LIB}")
include(CPack)
