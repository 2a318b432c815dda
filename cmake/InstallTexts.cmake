# At install time: what the program says of itself (manual page, completion), and the notices of what it is linked with.
file(MAKE_DIRECTORY "${LATTICELENS_WORK}")

function(installed_output file destination)
  execute_process(COMMAND ${ARGN} OUTPUT_FILE "${LATTICELENS_WORK}/${file}" COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/${destination}" TYPE FILE FILES "${LATTICELENS_WORK}/${file}")
endfunction()

installed_output(latticelens.1 share/man/man1 "${LATTICELENS_PROGRAM}" man)
installed_output(latticelens share/bash-completion/completions "${LATTICELENS_PROGRAM}" completion bash)
installed_output(_latticelens share/zsh/site-functions "${LATTICELENS_PROGRAM}" completion zsh)
installed_output(latticelens.fish share/fish/vendor_completions.d "${LATTICELENS_PROGRAM}" completion fish)

set(notices "${LATTICELENS_WORK}/THIRD_PARTY_NOTICES")
execute_process(COMMAND python3 "${LATTICELENS_SOURCE}/tools/write_notices" "${LATTICELENS_PROGRAM}" "${LATTICELENS_WHEELS}"
  "${notices}" COMMAND_ERROR_IS_FATAL ANY)
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/share/doc/latticelens" TYPE FILE FILES "${notices}")
