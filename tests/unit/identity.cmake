add_executable(unit-identity ${CMAKE_CURRENT_LIST_DIR}/test_identity.c)
target_link_libraries(unit-identity PRIVATE sanitized identity PkgConfig::CMOCKA)
world_test(NAME unit/identity COMMAND $<TARGET_FILE:unit-identity>)
