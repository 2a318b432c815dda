# Read by cpack before each generator. A tarball has no dependencies, so it carries the distribution's libraries too.
if(CPACK_GENERATOR STREQUAL "TGZ")
  list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 build_folder)
  list(APPEND CPACK_INSTALL_CMAKE_PROJECTS "${build_folder}" latticelens distribution_libraries /)
endif()
