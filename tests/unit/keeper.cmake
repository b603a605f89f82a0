# The parent of an instance, and how it makes all of the instance one account's.
foreach(test IN ITEMS begin end)
    add_executable(unit-keeper-${test} ${CMAKE_CURRENT_LIST_DIR}/test_keeper_${test}.c
        ${CMAKE_CURRENT_LIST_DIR}/keeper_kept.c ${CMAKE_CURRENT_LIST_DIR}/keeper_servers.c)
    target_link_libraries(unit-keeper-${test} PRIVATE sanitized command PkgConfig::CMOCKA)
    world_test(NAME unit/keeper-${test} COMMAND $<TARGET_FILE:unit-keeper-${test}>)
endforeach()

foreach(test IN ITEMS waits rest look trees details)
    add_executable(unit-sealing-${test}
        ${CMAKE_CURRENT_LIST_DIR}/test_sealing_${test}.c ${CMAKE_CURRENT_LIST_DIR}/sealing_tree.c)
    target_link_libraries(unit-sealing-${test}
        PRIVATE sanitized command PkgConfig::CMOCKA Threads::Threads)
    world_test(NAME unit/sealing-${test} COMMAND $<TARGET_FILE:unit-sealing-${test}>)
endforeach()

add_executable(sealing-static ${CMAKE_CURRENT_LIST_DIR}/sealing_static.c)
target_link_libraries(sealing-static PRIVATE house -static)
set_target_properties(sealing-static PROPERTIES POSITION_INDEPENDENT_CODE OFF)
foreach(test IN ITEMS rest trees)
    target_compile_definitions(unit-sealing-${test} PRIVATE
        STATIC_PROGRAM="$<TARGET_FILE:sealing-static>")
    add_dependencies(unit-sealing-${test} sealing-static)
endforeach()
