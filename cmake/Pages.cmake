# latticelens_pages(OUTPUT): builds web/ into one C++ file (the pages' program and style sheet as strings) and names it in
# OUTPUT. Packages and copies of the sources lie in the build tree; nothing is written beside the sources.
find_program(NPM npm REQUIRED)

function(latticelens_pages output)
  set(source ${PROJECT_SOURCE_DIR}/web)
  set(web ${CMAKE_BINARY_DIR}/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${source}/src/*.ts ${source}/src/*.css)
  set(packages ${source}/package.json ${source}/package-lock.json ${source}/.npmrc)
  file(MAKE_DIRECTORY ${web})
  add_custom_command(
    OUTPUT ${web}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -E copy ${packages} ${web}
    COMMAND ${NPM} ci --ignore-scripts --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${web}/packages.stamp
    DEPENDS ${packages}
    WORKING_DIRECTORY ${web}
    COMMENT "Installing what builds the pages")
  add_custom_command(
    OUTPUT ${web}/page_bundle.cpp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${web}/src
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${source}/src ${web}/src
    COMMAND ${CMAKE_COMMAND} -E copy ${source}/build.mjs ${source}/tsconfig.json ${web}
    COMMAND ${NPM} run --silent build -- ${web}/page_bundle.cpp
    DEPENDS ${web}/packages.stamp ${sources} ${source}/build.mjs ${source}/tsconfig.json
    WORKING_DIRECTORY ${web}
    COMMENT "Building the pages")
  set(${output} ${web}/page_bundle.cpp PARENT_SCOPE)
endfunction()
