# Every page is read without a word from the formatter, and says what the reader must know.
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.[1-9])
add_test(NAME cli/man COMMAND ${CMAKE_CURRENT_LIST_DIR}/man.sh ${pages})
set_tests_properties(cli/man PROPERTIES LABELS cli TIMEOUT 60)
