# For -DCMAKE_PROJECT_INCLUDE=<this file>, where the ROS 2 prefix is a Python environment filled from wheels.
# Changes nothing on a ROS 2 install, which never needs it. Two things would stop CMake there:
# - imported targets of such packages name include folders of the machine that made the wheels, which do not exist here;
# - an environment inside the source tree puts numpy's headers there, and exported targets may not name such folders.
if(CMAKE_VERSION VERSION_LESS 3.21)
  message(FATAL_ERROR "building the interfaces against wheels needs CMake 3.21 or newer, this is ${CMAKE_VERSION}")
endif()

function(_relocate_include_folders)
  get_property(imported DIRECTORY "${CMAKE_SOURCE_DIR}" PROPERTY IMPORTED_TARGETS)
  get_property(own DIRECTORY "${CMAKE_SOURCE_DIR}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS imported own)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT folders)
      continue()
    endif()
    set(usable "")
    foreach(folder IN LISTS folders)
      string(FIND "${folder}" "${CMAKE_SOURCE_DIR}/" position)
      if(target IN_LIST own AND position EQUAL 0)
        list(APPEND usable "$<BUILD_INTERFACE:${folder}>")
      elseif(folder MATCHES "^\\$<" OR IS_DIRECTORY "${folder}")
        list(APPEND usable "${folder}")
      endif()
    endforeach()
    set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${usable}")
  endforeach()
endfunction()

cmake_language(DEFER CALL _relocate_include_folders)
