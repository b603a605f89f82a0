# identity/ against real sockets; `actor` (other users' processes) comes from attacks/identity/.
foreach(part IN ITEMS peercred descriptors threads)
    add_executable(preload-identity-${part} ${CMAKE_CURRENT_LIST_DIR}/test_identity_${part}.c)
    target_link_libraries(preload-identity-${part} PRIVATE actor)
    world_test(NAME preload/identity-${part} COMMAND $<TARGET_FILE:preload-identity-${part}>)
endforeach()
