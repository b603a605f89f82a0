# The parts of a supervisor that need no server.
foreach(test IN ITEMS list placeholders notify instance_tmp)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized command PkgConfig::CMOCKA)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()
