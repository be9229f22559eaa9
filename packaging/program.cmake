# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Installs the program with what a system keeps beside one.
set(here ${CMAKE_CURRENT_LIST_DIR}/program)
set(part COMPONENT sigfire_program)
set(manual ${PROJECT_BINARY_DIR}/sigfire.1)
add_custom_command(OUTPUT ${manual} COMMAND ${here}/man.sh $<TARGET_FILE:sigfire_server> > ${manual}
    DEPENDS sigfire_server ${here}/man.sh VERBATIM)
add_custom_target(sigfire_manual ALL DEPENDS ${manual})
install(TARGETS sigfire_server RUNTIME ${part})
install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT sigfire_manual)
install(FILES ${here}/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sigfire
    ${part})
install(FILES ${here}/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _sigfire ${part})
install(FILES ${here}/completion.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME sigfire.fish
    ${part})
# The prefix is known only now: `cmake --install --prefix` may name another one. The configuration of /usr is /etc.
install(CODE "set(here [[${here}]])
set(bindir [[${CMAKE_INSTALL_BINDIR}]])
set(sysconfdir [[${CMAKE_INSTALL_SYSCONFDIR}]])
include([[${CMAKE_CURRENT_LIST_DIR}/install_service.cmake]])" ${part})
