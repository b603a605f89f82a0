# The same tests three times: as they are, with `wsapeer run --observe` around them, and in an
# instance, where a supervisor has the listeners.
add_executable(instance_host ${CMAKE_CURRENT_LIST_DIR}/instance_host.c
    ${PROJECT_SOURCE_DIR}/cli/descriptors.c ${PROJECT_SOURCE_DIR}/cli/supervisor/stand_in.c)
target_include_directories(instance_host
    PRIVATE ${PROJECT_SOURCE_DIR}/cli ${PROJECT_SOURCE_DIR}/cli/supervisor)
target_link_libraries(instance_host PRIVATE house)
add_library(transparent STATIC
    ${CMAKE_CURRENT_LIST_DIR}/transparent.c ${CMAKE_CURRENT_LIST_DIR}/transparent_kinds.c)
target_link_libraries(transparent PUBLIC house PkgConfig::CMOCKA Threads::Threads)
foreach(part IN ITEMS
        accept receive datagrams descriptors listeners sharing waits processes threads)
    set(program transparent-${part})
    add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/transparent_${part}.c)
    target_link_libraries(${program} PRIVATE transparent)
    set_target_properties(${program} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/preload)
    world_test(NAME preload/${program} COMMAND $<TARGET_FILE:${program}>)
    world_test(NAME preload/${program}-observed
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/lib/observed preload/${program})
    if(part STREQUAL datagrams) # which an instance has none of
        continue()
    endif()
    world_test(NAME preload/${program}-instance
        COMMAND $<TARGET_FILE:instance_host> $<TARGET_FILE:${program}>)
endforeach()

# What is different there; the options are instance_host's.
foreach(part IN ITEMS instance:--keep instance_ids:--keep takeover:--auto)
    string(REGEX MATCH "^[^:]+" name ${part})
    string(REGEX MATCH "[^:]+$" option ${part})
    add_executable(preload-${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
    target_link_libraries(preload-${name} PRIVATE transparent)
    world_test(NAME preload/${name}
        COMMAND $<TARGET_FILE:instance_host> ${option} $<TARGET_FILE:preload-${name}>)
endforeach()
