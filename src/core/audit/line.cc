#include "core/audit/line.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "core/audit/text.h"

namespace keyhold::core::audit {
namespace {

constexpr std::string_view kSequence = "{\"seq\":";
constexpr std::string_view kTime = ",\"time\":\"";
constexpr std::string_view kTimeEnd = "\",";
constexpr std::string_view kChain = ",\"chain\":\"";
constexpr std::string_view kChainEnd = "\"}";
constexpr std::size_t kChainBytes = kChain.size() + 64 + kChainEnd.size();

constexpr std::int64_t kSecondMax = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr std::size_t kMillisAt = 20;                  // Of the three digits in the text.

constexpr std::string_view kExtension = ".jsonl";
constexpr std::size_t kSequenceDigits = 20;
constexpr int kStreamDigitsMax = 4;

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void put_two(char* out, int value) {
  out[0] = static_cast<char>('0' + value / 10 % 10);
  out[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string_view TimeText::at(UnixMillis time_ms) {
  const std::int64_t clamped_ms = std::clamp<std::int64_t>(time_ms, 0, kSecondMax * 1000 + 999);
  const std::int64_t second = clamped_ms / 1000;
  if (second != second_) {
    second_ = second;
    const std::time_t seconds = second;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    static constexpr std::string_view kShape = "0000-00-00T00:00:00.000Z";
    std::copy(kShape.begin(), kShape.end(), text_.begin());
    const int year = utc.tm_year + 1900;
    put_two(&text_[0], year / 100);
    put_two(&text_[2], year);
    put_two(&text_[5], utc.tm_mon + 1);
    put_two(&text_[8], utc.tm_mday);
    put_two(&text_[11], utc.tm_hour);
    put_two(&text_[14], utc.tm_min);
    put_two(&text_[17], utc.tm_sec);
  }
  const int millis = static_cast<int>(clamped_ms % 1000);
  text_[kMillisAt] = static_cast<char>('0' + millis / 100);
  put_two(&text_[kMillisAt + 1], millis);
  return {text_.data(), text_.size()};
}

Digest append_line(std::string& out, std::uint64_t sequence, std::string_view time, std::string_view members,
                   const Digest& previous) {
  const std::size_t begin = out.size();
  std::array<char, 20> digits;
  char* digits_end = std::to_chars(digits.data(), digits.data() + digits.size(), sequence).ptr;
  out.append(kSequence)
      .append(digits.data(), digits_end)
      .append(kTime)
      .append(time)
      .append(kTimeEnd)
      .append(members);
  const Digest chain = crypto::sha256(crypto::as_view(previous), std::string_view(out).substr(begin));
  out.append(kChain);
  append_hex(out, crypto::as_view(chain));
  out.append(kChainEnd).push_back('\n');
  return chain;
}

LineKind kind_of(std::string_view members) {
  if (members.starts_with("\"genesis\":")) return LineKind::kGenesis;
  if (members.starts_with("\"checkpoint\":")) return LineKind::kCheckpoint;
  if (members.starts_with("\"dropped\":")) return LineKind::kDropped;
  return LineKind::kRecord;
}

bool Line::follows(const Digest& previous) const { return crypto::sha256(crypto::as_view(previous), chained) == chain; }

std::optional<Line> parse_line(std::string_view text) {
  Line line;
  std::string_view rest = text;
  if (!take(rest, kSequence)) return std::nullopt;
  const std::size_t comma = std::min(rest.find(','), rest.size());
  const auto sequence = parse_decimal(rest.substr(0, comma));
  if (!sequence) return std::nullopt;
  line.sequence = *sequence;
  rest.remove_prefix(comma);
  if (!take(rest, kTime) || rest.size() < TimeText::kBytes) return std::nullopt;
  rest.remove_prefix(TimeText::kBytes);
  if (!take(rest, kTimeEnd) || rest.size() <= kChainBytes) return std::nullopt;

  line.members = rest.substr(0, rest.size() - kChainBytes);
  line.chained = text.substr(0, text.size() - kChainBytes);
  std::string_view chain = text.substr(text.size() - kChainBytes);
  if (!take(chain, kChain) || !chain.ends_with(kChainEnd)) return std::nullopt;
  chain.remove_suffix(kChainEnd.size());
  const auto digest = digest_from_hex(chain);
  if (!digest) return std::nullopt;
  line.chain = *digest;
  return line;
}

std::string FileName::text() const {
  const std::string digits = std::to_string(first_sequence);
  std::string name = std::to_string(stream) + "-";
  name.append(kSequenceDigits - digits.size(), '0').append(digits).append(kExtension);
  return name;
}

std::optional<FileName> FileName::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || dash > kStreamDigitsMax) return std::nullopt;
  const auto stream = parse_decimal(text.substr(0, dash));
  std::string_view sequence = text.substr(dash + 1);
  if (!stream || sequence.size() != kSequenceDigits + kExtension.size() || !sequence.ends_with(kExtension)) {
    return std::nullopt;
  }
  sequence = sequence.substr(0, kSequenceDigits);
  while (sequence.size() > 1 && sequence.front() == '0') sequence.remove_prefix(1);
  const auto first_sequence = parse_decimal(sequence);
  if (!first_sequence) return std::nullopt;
  return FileName{.stream = static_cast<int>(*stream), .first_sequence = *first_sequence};
}

}  // namespace keyhold::core::audit
