#pragma once

#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <memory>

#include "storage/rocks_handle.h"

namespace keyhold::storage {

/// An Env on the options' file system whose files nobody else can open, whatever the umask is.
std::unique_ptr<rocksdb::Env> make_env(const RocksOptions& options);

/// RocksDB's options as measured, and by the rules that keep it from aborting on a full disk: own logger, no recovery of
/// its own.
rocksdb::Options make_settings(const RocksOptions& options, rocksdb::Env& env, std::shared_ptr<Alarm> alarm);

}  // namespace keyhold::storage
