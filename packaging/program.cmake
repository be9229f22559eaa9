# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Installs the program with what a system keeps beside one.
set(here ${CMAKE_CURRENT_LIST_DIR}/program)
set(manual ${PROJECT_BINARY_DIR}/sigfire.1)
add_custom_command(OUTPUT ${manual} COMMAND ${here}/man.sh $<TARGET_FILE:sigfire_server> > ${manual}
    DEPENDS sigfire_server ${here}/man.sh VERBATIM)
add_custom_target(sigfire_manual ALL DEPENDS ${manual})
configure_file(${here}/sigfire.service.in sigfire.service @ONLY)
install(TARGETS sigfire_server RUNTIME)
install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${here}/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sigfire)
install(FILES ${PROJECT_BINARY_DIR}/sigfire.service ${here}/sigfire.socket DESTINATION lib/systemd/system)
install(FILES ${here}/sigfire.json DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/sigfire)
