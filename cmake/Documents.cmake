# latticelens_documents(TARGET names...): docs/NAME.md as texts in the program, read by document(name) of cli/documents.h.
function(latticelens_documents target)
  set(rows "")
  foreach(name ${ARGN})
    set(page "${PROJECT_SOURCE_DIR}/docs/${name}.md")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${page}")
    file(READ "${page}" text)
    string(APPEND rows "  if (name == \"${name}\")\n    return R\"document(${text})document\";\n")
  endforeach()
  set(file "${PROJECT_BINARY_DIR}/documents.cpp")
  file(WRITE "${file}.new" "#include \"cli/documents.h\"\n\n#include \"core/error.h\"\n\nnamespace latticelens {\n\n"
    "std::string document(std::string_view name) {\n${rows}"
    "  throw Error(\"help\", std::string(name) + \": this page was not kept in the program\");\n}\n\n}\n")
  file(COPY_FILE "${file}.new" "${file}" ONLY_IF_DIFFERENT)
  target_sources(${target} PRIVATE "${file}")
endfunction()
