# What stands beside the server: the resolver, its log, the ids that it picks.
foreach(test IN ITEMS resolver resolver_process event_log event_sink guard)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized command PkgConfig::CMOCKA)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()

target_sources(unit-resolver PRIVATE ${CMAKE_CURRENT_LIST_DIR}/resolver_asked.c)
target_sources(unit-resolver_process PRIVATE ${CMAKE_CURRENT_LIST_DIR}/resolver_asked.c)
target_sources(unit-event_log PRIVATE ${CMAKE_CURRENT_LIST_DIR}/event_logged.c)
target_sources(unit-event_sink PRIVATE ${CMAKE_CURRENT_LIST_DIR}/event_logged.c)
