# guest.bats: a library whose constructor runs before ours, and of which the program uses nothing.
add_library(early_thread SHARED preload/early_thread.c)
target_link_libraries(early_thread PRIVATE house Threads::Threads)
target_link_libraries(early PRIVATE -Wl,--no-as-needed early_thread)
