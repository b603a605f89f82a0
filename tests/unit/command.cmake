# The parts of the command that need no server: cli/ and the name service's accounts.
foreach(test IN ITEMS who policy program nss complain)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized command PkgConfig::CMOCKA)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()

# A directory that can be taken down: libc loads it by its name, from the path that the test gives.
add_library(nss_wsapeertest SHARED ${CMAKE_CURRENT_LIST_DIR}/nss_wsapeertest.c)
target_link_libraries(nss_wsapeertest PRIVATE house)
set_target_properties(nss_wsapeertest PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/nss
    C_VISIBILITY_PRESET default SUFFIX .so.2)
target_compile_definitions(unit-nss PRIVATE NSS_MODULE="$<TARGET_FILE:nss_wsapeertest>")
add_dependencies(unit-nss nss_wsapeertest)
