# SPDX-License-Identifier: LGPL-2.1-or-later
# viv_add_plugin(NAME KIND device|driver|engine|storage|paravirt|usb SOURCES ... [LIBS pkg-config modules]
#                [LINK targets] [DEFINES ...] [TESTS check programs] [FUZZ libFuzzer sources])
# One folder, one .so. An option turns it off; a missing library leaves it out with one line.

set(VIV_PLUGIN_FOLDER_device devices)
set(VIV_PLUGIN_FOLDER_driver drivers)
set(VIV_PLUGIN_FOLDER_engine execution)
set(VIV_PLUGIN_FOLDER_storage storage)
set(VIV_PLUGIN_FOLDER_paravirt paravirt)
set(VIV_PLUGIN_FOLDER_usb usb)

function(viv_add_plugin name)
    cmake_parse_arguments(P "" "KIND" "SOURCES;LIBS;LINK;DEFINES;TESTS;FUZZ" ${ARGN})
    string(TOUPPER ${name} upper)
    string(REGEX REPLACE "[^A-Z0-9]" "_" upper ${upper})
    option(VIV_PLUGIN_${upper} "Build the ${P_KIND} plugin ${name}" ON)
    if(NOT VIV_PLUGIN_${upper})
        message(STATUS "Plugin ${name}: off (VIV_PLUGIN_${upper})")
        return()
    endif()
    set(libs "")
    foreach(module IN LISTS P_LIBS)
        string(MAKE_C_IDENTIFIER "VIVPC_${module}" prefix)
        pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
        if(NOT ${prefix}_FOUND)
            message(STATUS "Plugin ${name}: left out, library ${module} is missing")
            return()
        endif()
        list(APPEND libs PkgConfig::${prefix})
    endforeach()

    set(target viv_${P_KIND}_${name})
    string(REPLACE "-" "_" target ${target})
    # Objects once, for the module and for its tests.
    add_library(${target}_objects OBJECT ${P_SOURCES})
    target_link_libraries(${target}_objects PUBLIC viv_sdk viv_options ${libs} ${P_LINK})
    target_compile_definitions(${target}_objects PRIVATE ${P_DEFINES})
    target_include_directories(${target}_objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})

    add_library(${target} MODULE $<TARGET_OBJECTS:${target}_objects>)
    target_link_libraries(${target} PRIVATE ${libs} ${P_LINK})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME ${name}
        LIBRARY_OUTPUT_DIRECTORY
            ${CMAKE_BINARY_DIR}/lib/vivarium/plugins/${VIV_PLUGIN_FOLDER_${P_KIND}})
    target_link_options(${target} PRIVATE
        -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/plugin.map -Wl,-z,now)
    if(NOT VIV_SANITIZE AND NOT VIV_FUZZ)
        target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
    install(TARGETS ${target} LIBRARY
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/vivarium/plugins/${VIV_PLUGIN_FOLDER_${P_KIND}})
    set_property(GLOBAL APPEND PROPERTY VIV_PLUGIN_TARGETS ${target})

    if(BUILD_TESTING)
        foreach(test IN LISTS P_TESTS)
            get_filename_component(stem ${test} NAME_WE)
            viv_add_check(${name}_${stem} SOURCES ${test} LINK ${target}_objects viv_harness ${P_LINK} ${libs})
        endforeach()
        foreach(fuzz IN LISTS P_FUZZ)
            get_filename_component(stem ${fuzz} NAME_WE)
            viv_add_fuzz(${name}_${stem} SOURCES ${fuzz} LINK ${target}_objects viv_harness ${P_LINK} ${libs})
        endforeach()
        if(P_KIND STREQUAL device)
            set(hints "")
            if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/tests/campaign.c)
                set(hints tests/campaign.c)
            endif()
            viv_add_campaign(${name} SOURCES ${hints} LINK ${target}_objects ${P_LINK} ${libs})
        endif()
    endif()
endfunction()
