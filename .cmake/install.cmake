# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Installs the headers and what finds them. The export sets are there in any case, so that a library that links sigfire
# can be exported; without SIGFIRE_INSTALL, an installation of the project around sigfire leaves these files out.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_DATADIR}/cmake/sigfire)
set(part COMPONENT sigfire_dev)
if(NOT SIGFIRE_INSTALL)
    list(APPEND part EXCLUDE_FROM_ALL)
endif()

install(TARGETS sigfire EXPORT sigfireTargets FILE_SET HEADERS ${part} FILE_SET private_headers ${part})
install(TARGETS sigfire_tls EXPORT sigfireTlsTargets)
install(EXPORT sigfireTargets NAMESPACE sigfire:: DESTINATION ${config_dir} ${part})
install(EXPORT sigfireTlsTargets NAMESPACE sigfire:: DESTINATION ${config_dir} ${part})
configure_package_config_file(.cmake/sigfireConfig.cmake.in sigfireConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(sigfireConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/sigfireConfig.cmake ${PROJECT_BINARY_DIR}/sigfireConfigVersion.cmake
    DESTINATION ${config_dir} ${part})
cmake_path(APPEND pc_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(.cmake/sigfire.pc.in sigfire.pc @ONLY)
configure_file(.cmake/sigfire-tls.pc.in sigfire-tls.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sigfire.pc ${PROJECT_BINARY_DIR}/sigfire-tls.pc
    DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig ${part})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} ${part})

# Written by hand: CMake's install(PACKAGE_INFO) refuses Boost::headers, as Boost's CMake package has another name. It is
# an option because CMake 4.3 prefers it to the config file, and it finds OpenSSL in the system's folders only.
if(SIGFIRE_CPS)
    set(prefix @prefix@) # stays as it is
    configure_file(.cmake/sigfire.cps.in sigfire.cps @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/sigfire.cps DESTINATION ${CMAKE_INSTALL_DATADIR}/cps/sigfire ${part})
endif()
