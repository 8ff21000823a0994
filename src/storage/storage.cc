#include "storage/storage.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/limits.h"

namespace keyhold::storage {

namespace {

Result<void> check_key(const std::string& key) {
  if (key.empty()) return Error{Code::kInvalid, "a storage key is empty"};
  if (key.size() > limits::kStorageKeyBytesMax) return Error{Code::kTooLarge, "a storage key is too long"};
  return {};
}

bool names_a_key_twice(const std::vector<Operation>& operations) {
  std::vector<std::string_view> keys;
  keys.reserve(operations.size());
  for (const Operation& operation : operations) keys.push_back(operation.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

}  // namespace

Condition unchanged(std::string key, Version since) {
  return {Condition::Kind::kUnchanged, std::move(key), since};
}
Condition absent(std::string key) { return {Condition::Kind::kAbsent, std::move(key), 0}; }
Condition present(std::string key) { return {Condition::Kind::kPresent, std::move(key), 0}; }

bool holds(const Condition& condition, Version current) {
  switch (condition.kind) {
    case Condition::Kind::kUnchanged: return current == condition.version;
    case Condition::Kind::kAbsent: return current == 0;
    case Condition::Kind::kPresent: return current != 0;
  }
  return false;
}

Operation put(std::string key, std::string value) { return {std::move(key), std::move(value)}; }
Operation erase(std::string key) { return {std::move(key), std::nullopt}; }

Outcome refused(Error error) {
  Outcome outcome;
  outcome.error = std::move(error);
  return outcome;
}

std::size_t bytes_of(const Batch& batch) {
  std::size_t bytes = 0;
  for (const Condition& condition : batch.conditions) bytes += condition.key.size();
  for (const Operation& operation : batch.operations) {
    bytes += operation.key.size() + (operation.value ? operation.value->size() : 0);
  }
  return bytes;
}

Result<void> check_batch(const Batch& batch) {
  if (batch.conditions.size() > limits::kStorageConditionsMax) {
    return Error{Code::kTooLarge, "a commit has too many conditions"};
  }
  if (batch.operations.size() > limits::kStorageOperationsMax) {
    return Error{Code::kTooLarge, "a commit has too many operations"};
  }
  for (const Condition& condition : batch.conditions) TRY(check_key(condition.key));
  for (const Operation& operation : batch.operations) {
    TRY(check_key(operation.key));
    if (operation.value && operation.value->size() > limits::kStorageValueBytesMax) {
      return Error{Code::kTooLarge, "a stored value is too long"};
    }
  }
  if (bytes_of(batch) > limits::kStorageBatchBytesMax) return Error{Code::kTooLarge, "a commit is too large"};
  if (names_a_key_twice(batch.operations)) return Error{Code::kInvalid, "a commit names a key twice"};
  return {};
}

Result<void> check_entry(const Entry& entry) {
  TRY(check_key(entry.key));
  if (entry.key.starts_with(kReservedPrefix)) return Error{Code::kInvalid, "a storage key is the store's own"};
  if (entry.value.size() > limits::kStorageValueBytesMax) return Error{Code::kTooLarge, "a stored value is too long"};
  return {};
}

Outcome Storage::commit(Batch batch) {
  // Shared with the callback: the waiter may be gone before set_value() has returned.
  auto promise = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> outcome = promise->get_future();
  commit(std::move(batch), [promise](Outcome value) { promise->set_value(std::move(value)); });
  return outcome.get();
}

}  // namespace keyhold::storage
