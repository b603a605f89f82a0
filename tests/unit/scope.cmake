# What the library does inside a server, without a server.
foreach(test IN ITEMS descriptors environment cache credentials)
    add_executable(unit-${test} ${CMAKE_CURRENT_LIST_DIR}/test_${test}.c)
    target_link_libraries(unit-${test} PRIVATE sanitized scope PkgConfig::CMOCKA)
    world_test(NAME unit/${test} COMMAND $<TARGET_FILE:unit-${test}>)
endforeach()

add_executable(unit-stand_ins ${CMAKE_CURRENT_LIST_DIR}/test_stand_ins.c)
target_link_libraries(unit-stand_ins
    PRIVATE sanitized instance PkgConfig::CMOCKA Threads::Threads)
world_test(NAME unit/stand_ins COMMAND $<TARGET_FILE:unit-stand_ins>)
