#include "engine/secretsmanager/listing.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "base/limits.h"
#include "core/iam_access.h"
#include "core/last_read.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/secret_filter.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/targets.h"

namespace keyhold::engine::secretsmanager {
namespace {

namespace secrets = core::secrets;
using core::Call;
using HeadPointer = std::shared_ptr<const secrets::Head>;

constexpr std::size_t kReadAPageMax = 1000;     // Secrets that are looked at for one page.
constexpr std::size_t kSortedMax = 10'000;      // Secrets that are read to be sorted.
constexpr std::string_view kNamedList = "secrets";
constexpr std::string_view kSortedList = "sorted secrets";

/// What the names in the store of all matches begin with: what AWS's prefix is without the escapes.
std::string store_prefix(std::string_view name_prefix) {
  const std::string_view whole = name_prefix.substr(0, name_prefix.ends_with('/') ? name_prefix.size() - 1 : name_prefix.size());
  return path_of(whole) == whole ? std::string(name_prefix) : std::string();
}

/// The secrets that one list is about.
class Candidates {
 public:
  Candidates(Call& call, const SecretFilter& filter, Listed listed)
      : call_(call),
        filter_(filter),
        listed_(listed),
        with_marked_(call.fields().has("IncludePlannedDeletion") && call.fields().boolean("IncludePlannedDeletion")),
        prefix_(store_prefix(filter.name_prefix())) {}

  /// Visits those behind `after`, a whole name, in order, until `visit` says false or `read_max` have been looked at.
  /// returns  The last that was looked at; empty when there are no more.
  Result<std::string> each(std::string after, std::size_t read_max, const std::function<bool(HeadPointer)>& visit) {
    std::size_t read = 0;
    for (;;) {
      const std::string below = after.size() > prefix_.size() ? after.substr(prefix_.size()) : std::string();
      TRY_ASSIGN(const auto page, secrets::list(call_.tx(), call_.mount_id(), prefix_, below,
                                                std::min(limits::kStorageListMax, read_max - read), secrets::Depth::kAll));
      for (const std::string& name : page.names) {
        after = prefix_ + name;
        ++read;
        TRY_ASSIGN(auto head, wanted(after));
        if (head != nullptr && !visit(std::move(head))) return after;
      }
      if (!page.more) return std::string();
      if (read == read_max) return after;
    }
  }

 private:
  /// nullptr: the list does not tell of it.
  Result<HeadPointer> wanted(const std::string& path) {
    const auto name = core::aws::name_of(path);
    if (!name) return HeadPointer();
    TRY_ASSIGN(const auto entry, call_.tx().glance<core::records::NameEntry>(core::keys::name(call_.mount_id(), path)));
    if (entry == nullptr) return HeadPointer();
    TRY_ASSIGN(auto head, call_.tx().glance<secrets::Head>(core::keys::secret(call_.mount_id(), entry->secret_id())));
    if (head == nullptr || secrets::purge_due(*head, call_.now())) return HeadPointer();
    if (secrets::marked_for_deletion(*head) && !with_marked_) return HeadPointer();
    if (!filter_.matches(*name, *head)) return HeadPointer();
    const core::Target target = listed_ == Listed::kVisible ? target_in_list(call_, path, head)
                                                            : target_of(call_, core::iam::Action::kGetSecretValue, path, head);
    TRY_ASSIGN(const bool permitted, core::permits(call_, target));
    return permitted ? head : HeadPointer();
  }

  Call& call_;
  const SecretFilter& filter_;
  Listed listed_;
  bool with_marked_;
  std::string prefix_;
};

Result<Page> page_by_name(Call& call, Candidates& candidates, std::size_t results_max) {
  TRY_ASSIGN(std::string after, page_position(call, kNamedList));
  Page page;
  TRY_ASSIGN(const std::string last, candidates.each(std::move(after), kReadAPageMax, [&](HeadPointer head) {
    page.heads.push_back(std::move(head));
    return page.heads.size() < results_max;
  }));
  if (!last.empty()) page.next_token = page_token(call, kNamedList, last);
  return page;
}

enum class SortBy { kName, kCreated, kChanged, kAccessed };
struct Order {
  SortBy by = SortBy::kName;
  bool descending = false;
};

Result<Order> order_of(const core::FieldValues& fields) {
  Order order;
  const std::string by = fields.text("SortBy");
  const std::string direction = fields.text("SortOrder");
  if (by == "created-date") {
    order.by = SortBy::kCreated;
  } else if (by == "last-changed-date") {
    order.by = SortBy::kChanged;
  } else if (by == "last-accessed-date") {
    order.by = SortBy::kAccessed;
  } else if (!by.empty() && by != "name") {
    return invalid_parameter("SortBy must be created-date, last-accessed-date, last-changed-date or name.");
  }
  if (!direction.empty() && direction != "asc" && direction != "desc") return invalid_parameter("SortOrder must be asc or desc.");
  order.descending = direction == "desc";
  return order;
}

Result<std::int64_t> sort_value(const Call& call, SortBy by, const secrets::Head& head) {
  switch (by) {
    case SortBy::kName: return 0;
    case SortBy::kCreated: return head.created_ms();
    case SortBy::kChanged: return std::max({head.changed_ms(), head.updated_ms(), head.created_ms()});
    case SortBy::kAccessed: {
      TRY_ASSIGN(const auto last_read, secrets::last_read(call.tx(), call.mount_id(), head.id()));
      return last_read == nullptr ? 0 : last_read->read_ms() / kDayMs;
    }
  }
  return 0;
}

Result<Page> page_in_order(Call& call, Candidates& candidates, const Order& order, std::size_t results_max) {
  TRY_ASSIGN(const std::string after, page_position(call, kSortedList));
  struct Item {
    std::string key;
    HeadPointer head;
  };
  std::vector<Item> items;
  TRY_ASSIGN(const std::string rest, candidates.each({}, kSortedMax, [&](HeadPointer head) {
    items.push_back({{}, std::move(head)});
    return true;
  }));
  if (!rest.empty()) {
    return invalid_request("There are too many secrets to be sorted like this: narrow them by a name filter, or sort them by name, "
                           "ascending, which any number can be.");
  }
  for (Item& item : items) {
    // Twenty digits and the name: text sorts as the values do.
    TRY_ASSIGN(const std::int64_t value, sort_value(call, order.by, *item.head));
    const std::string digits = std::to_string(value);
    item.key = std::string(20 - digits.size(), '0') + digits + item.head->name();
  }
  std::sort(items.begin(), items.end(),
            [&](const Item& a, const Item& b) { return order.descending ? b.key < a.key : a.key < b.key; });
  Page page;
  for (Item& item : items) {
    if (!after.empty() && (order.descending ? item.key >= after : item.key <= after)) continue;
    if (page.heads.size() == results_max) {
      page.next_token = page_token(call, kSortedList, page.next_token);
      return page;
    }
    page.next_token = std::move(item.key);
    page.heads.push_back(std::move(item.head));
  }
  page.next_token.clear();
  return page;
}

}  // namespace

std::string page_token(const core::Call& call, std::string_view list, std::string_view position) {
  std::string content(list);
  content.append(1, '\0').append(position);
  SecretBytes token;
  call.session().pages.append_sealed(token, content, call.rng());
  return std::string(token.reveal());
}

Result<std::string> page_position(const core::Call& call, std::string_view list) {
  const std::string token = call.fields().text("NextToken");
  if (token.empty()) return std::string();
  const auto opened = call.session().pages.open(token);
  if (!opened.ok()) return invalid_next_token();
  const std::string_view content = opened->reveal();
  if (content.size() <= list.size() || !content.starts_with(list) || content[list.size()] != '\0') return invalid_next_token();
  return std::string(content.substr(list.size() + 1));
}

Result<Page> list_page(Call& call, std::size_t results_max, Listed listed) {
  TRY_ASSIGN(const auto filter, SecretFilter::parse(call.fields()));
  Candidates candidates(call, filter, listed);
  Order order;
  if (call.fields().has("SortBy") || call.fields().has("SortOrder")) {
    TRY_ASSIGN(order, order_of(call.fields()));
  }
  if (order.by == SortBy::kName && !order.descending) return page_by_name(call, candidates, results_max);
  return page_in_order(call, candidates, order, results_max);
}

}  // namespace keyhold::engine::secretsmanager
