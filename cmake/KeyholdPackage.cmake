# `cpack -G DEB` in the build folder makes Debian's package: program, configuration, unit, manual pages.
include(GNUInstallDirs)

# Packing builds nothing: the program is to be built already.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(keyhold_dist ${CMAKE_SOURCE_DIR}/dist)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

file(STRINGS ${CMAKE_SOURCE_DIR}/src/base/version.h keyhold_version REGEX "kVersion = ")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" keyhold_version "${keyhold_version}")

# Compressed as Debian asks for: without a time, so that equal sources make equal files.
function(install_compressed source name destination)
  set(compressed ${CMAKE_BINARY_DIR}/package/${name}.gz)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
  execute_process(COMMAND gzip -9 --no-name --stdout INPUT_FILE ${source} OUTPUT_FILE ${compressed} COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${compressed} DESTINATION ${destination})
endfunction()

install(TARGETS keyhold RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${keyhold_dist}/keyhold.hcl DESTINATION /etc/keyhold PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(FILES ${keyhold_dist}/keyhold.service DESTINATION /lib/systemd/system)
install(FILES ${keyhold_dist}/keyhold.sysusers DESTINATION /usr/lib/sysusers.d RENAME keyhold.conf)
install(FILES ${keyhold_dist}/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install_compressed(${keyhold_dist}/keyhold.1 keyhold.1 ${CMAKE_INSTALL_MANDIR}/man1)
install_compressed(${keyhold_dist}/keyhold.hcl.5 keyhold.hcl.5 ${CMAKE_INSTALL_MANDIR}/man5)
file(WRITE ${CMAKE_BINARY_DIR}/package/changelog
     "keyhold (${keyhold_version}) stable; urgency=medium\n\n  * The changes are in the repository's history.\n\n -- The authors of Keyhold <keyhold@localhost>  Thu, 01 Jan 2026 00:00:00 +0000\n")
install_compressed(${CMAKE_BINARY_DIR}/package/changelog changelog ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME keyhold)
set(CPACK_PACKAGE_VERSION ${keyhold_version})
set(CPACK_PACKAGE_CONTACT "The authors of Keyhold <keyhold@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "secrets server that speaks the APIs of Vault and AWS Secrets Manager")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Keeps the secrets of applications on your own machines, encrypted, with a signed\n journal of every use, and gives them to unchanged clients of Vault and of AWS\n Secrets Manager.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-sysusers, hostname")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${keyhold_dist}/debian/conffiles;${keyhold_dist}/debian/postinst;${keyhold_dist}/debian/prerm;${keyhold_dist}/debian/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
# For the files outside of /usr.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
include(CPack)
