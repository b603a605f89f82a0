# What stands beside the server: the resolver, its log, the ids that it picks.
foreach(test IN ITEMS resolver event_log guard)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized command PkgConfig::CMOCKA)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()
