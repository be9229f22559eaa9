# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# `cpack -G DEB` makes two packages: sigfire (the program) and libsigfire-dev (the headers).
set(deb ${CMAKE_CURRENT_LIST_DIR})
include(.cmake/describe.cmake)
set(SIGFIRE_MAINTAINER "the sigfire authors <sigfire@localhost>" CACHE STRING "Maintainer of the Debian packages")
find_program(GZIP gzip)
string(TIMESTAMP today "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(package IN ITEMS sigfire libsigfire-dev)
    set(folder ${PROJECT_BINARY_DIR}/deb/${package})
    configure_file(${deb}/changelog.in ${folder}/changelog @ONLY)
    execute_process(COMMAND ${GZIP} -9nf ${folder}/changelog)
    install(FILES ${deb}/copyright ${folder}/changelog.gz DESTINATION share/doc/${package}
        COMPONENT ${package}_doc EXCLUDE_FROM_ALL)
endforeach()
add_custom_command(OUTPUT ${manual}.gz COMMAND ${GZIP} -9nkf ${manual} DEPENDS ${manual} VERBATIM)
add_custom_target(sigfire_manual_gz ALL DEPENDS ${manual}.gz)
install(FILES ${manual}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT sigfire_doc EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENTS_ALL sigfire_program sigfire_doc sigfire_dev libsigfire-dev_doc)
set(CPACK_SET_DESTDIR ON) # the configuration is outside the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME sigfire)
set(CPACK_PACKAGE_VENDOR "the sigfire authors")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${SIGFIRE_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${CMAKE_PROJECT_NAME} built using CMake") # CPack puts any other one first
set(CPACK_DEBIAN_PACKAGE_VERSION ${sigfire_described})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_SIGFIRE_PACKAGE_NAME sigfire)
set(CPACK_DEBIAN_SIGFIRE_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SIGFIRE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SIGFIRE_PACKAGE_CONTROL_EXTRA ${deb}/conffiles ${deb}/postinst ${deb}/prerm)
set(CPACK_DEBIAN_SIGFIRE_DESCRIPTION "signaling server for WebRTC peers, games, robots and processes
The server carries a few messages between two peers; then they open a
connection of their own. Unmodified clients of Signal-Fire, PeerJS, y-webrtc
and socket-signal can use it.")
set(CPACK_DEBIAN_LIBSIGFIRE-DEV_PACKAGE_NAME libsigfire-dev)
set(CPACK_DEBIAN_LIBSIGFIRE-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBSIGFIRE-DEV_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_LIBSIGFIRE-DEV_PACKAGE_DEPENDS
    "libboost-dev (>= 1.81) | libboost1.88-dev | libboost1.83-dev | libboost1.81-dev")
set(CPACK_DEBIAN_LIBSIGFIRE-DEV_PACKAGE_SUGGESTS "libssl-dev (>= 3.0), cmake, pkg-config")
set(CPACK_DEBIAN_LIBSIGFIRE-DEV_DESCRIPTION "header-only C++20 signaling toolkit
Headers, CMake package and pkg-config files of sigfire, for signaling servers
and clients in C++20.")
include(CPack)
cpack_add_component_group(sigfire)
cpack_add_component_group(libsigfire-dev)
cpack_add_component(sigfire_program GROUP sigfire)
cpack_add_component(sigfire_doc GROUP sigfire)
cpack_add_component(sigfire_dev GROUP libsigfire-dev)
cpack_add_component(libsigfire-dev_doc GROUP libsigfire-dev)
