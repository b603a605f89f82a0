# The parts of the supervisor.
foreach(test IN ITEMS tenants listeners main_signals)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized command PkgConfig::CMOCKA)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()

add_executable(unit-clients ${CMAKE_CURRENT_LIST_DIR}/test_clients.c)
target_link_libraries(unit-clients PRIVATE sanitized command PkgConfig::CMOCKA)
target_link_options(unit-clients PRIVATE -Wl,--wrap=instance_stand_in)
world_test(NAME unit/clients COMMAND $<TARGET_FILE:unit-clients>)
