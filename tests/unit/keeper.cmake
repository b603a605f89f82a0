# The parent of an instance, and how it makes all of the instance one account's.
foreach(test IN ITEMS keeper)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized command PkgConfig::CMOCKA Threads::Threads)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()
