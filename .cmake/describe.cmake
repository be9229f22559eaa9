# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Sets sigfire_described: the version of this source tree. In a git checkout past a release, that is the version, the
# commits since its tag (if there is one) and the commit: 0.1.0+12.g4c034fc. Everywhere else it is the version alone.
set(sigfire_described ${PROJECT_VERSION})
find_package(Git QUIET)
if(Git_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git) # else the tree may lie in the checkout of another project
    execute_process(COMMAND ${GIT_EXECUTABLE} describe --tags --long --always --match "v[0-9]*"
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(said MATCHES "^v.*-([0-9]+)-(g[0-9a-f]+)$")
        if(CMAKE_MATCH_1)
            string(APPEND sigfire_described +${CMAKE_MATCH_1}.${CMAKE_MATCH_2})
        endif()
    elseif(said MATCHES "^[0-9a-f]+$")
        string(APPEND sigfire_described +g${said})
    endif()
    # each commit and checkout adds a line here
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --git-path logs/HEAD
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    cmake_path(ABSOLUTE_PATH log BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    if(EXISTS ${log})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${log})
    endif()
endif()
