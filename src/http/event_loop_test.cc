#include "http/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace keyhold::http {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t kRareMs = 60'000;

std::unique_ptr<EventLoop> make_loop() {
  auto loop = EventLoop::make();
  CHECK(loop.ok());
  return std::move(loop).value();
}

/// One end of a connection, whose other end the test holds.
class End final : public EventLoop::Watcher {
 public:
  using OnEvents = std::function<void(End&, std::uint32_t)>;

  static std::unique_ptr<End> make(EventLoop& loop, OnEvents on_events) {
    int ends[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    return std::unique_ptr<End>(new End(loop, ends[0], ends[1], std::move(on_events)));
  }
  ~End() override { ::close(other_); }

  void arrive() const { CHECK(::write(other_, "x", 1) == 1); }
  void close() { close_descriptor(); }
  using Watcher::call_again;

 private:
  End(EventLoop& loop, int own, int other, OnEvents on_events)
      : Watcher(loop, own), other_(other), on_events_(std::move(on_events)) {}
  void on_events(std::uint32_t events) override { on_events_(*this, events); }

  const int other_;
  const OnEvents on_events_;
};

void run(EventLoop& loop) {
  loop.run(kRareMs, [] {});
}

TEST(EventLoop, RunsPostedTasksAfterWhatIsReadyAndTheirOwnInTheNextTurn) {
  const auto loop = make_loop();
  std::vector<std::string> seen;
  const auto on_events = [&](End&, std::uint32_t events) {
    if ((events & EPOLLIN) == 0) return;
    seen.push_back("ready");
    loop->post([&] { seen.push_back("posted"); });
  };
  const auto one = End::make(*loop, on_events);
  const auto two = End::make(*loop, on_events);
  loop->post([&] {
    loop->post([&] { seen.push_back("posted by a task"); });
    one->arrive();
    two->arrive();
    loop->post([&] { loop->post([&] { loop->stop(); }); });
  });
  run(*loop);
  EXPECT_THAT(seen, ElementsAre("ready", "ready", "posted by a task", "posted", "posted"));
}

TEST(EventLoop, TellsOfEachArrivalOnce) {
  const auto loop = make_loop();
  int told = 0;
  const auto end = End::make(*loop, [&](End& self, std::uint32_t events) {
    if ((events & EPOLLIN) == 0) return;
    if (++told == 1) loop->post([&self] { self.arrive(); });  // The first byte is still there.
    if (told == 2) loop->stop();
  });
  end->arrive();
  run(*loop);
  EXPECT_EQ(told, 2);
}

TEST(EventLoop, TellsNothingToWatchersThatAreGone) {
  const auto loop = make_loop();
  std::unique_ptr<End> one;
  std::unique_ptr<End> two;
  int told = 0;
  const auto end_both = [&](End&, std::uint32_t) {
    ++told;
    one->call_again();
    two->call_again();
    one.reset();
    two.reset();
    loop->post([&] { loop->stop(); });
  };
  // By reference: what is called must outlive those it ends.
  one = End::make(*loop, std::ref(end_both));
  two = End::make(*loop, std::ref(end_both));
  one->arrive();
  two->arrive();
  run(*loop);
  EXPECT_EQ(told, 1);
}

TEST(EventLoop, CallsAgainInTheNextTurnAlsoOnceClosed) {
  const auto loop = make_loop();
  std::vector<std::uint32_t> seen;
  const auto end = End::make(*loop, [&](End& self, std::uint32_t events) {
    seen.push_back(events);
    if (seen.size() == 1) {
      self.close();
      self.call_again();
    } else {
      loop->stop();
    }
  });
  run(*loop);
  EXPECT_THAT(seen, ElementsAre(EPOLLOUT, 0));
}

TEST(EventLoop, TakesTasksFromOtherThreads) {
  constexpr int kTasks = 10'000;
  const auto loop = make_loop();
  int ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int task = 0; task < kTasks; ++task) {
        loop->post([&] {
          if (++ran == 2 * kTasks) loop->stop();
        });
      }
    });
  }
  run(*loop);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, 2 * kTasks);
}

TEST(EventLoop, TicksWhetherItSleepsOrNot) {
  const auto loop = make_loop();
  int ticks = 0;
  bool busy = false;
  std::function<void()> go_on = [&] {
    busy = true;
    if (ticks < 6) loop->post(go_on);
  };
  loop->run(1, [&] {
    ++ticks;
    if (ticks == 3) loop->post(go_on);
    if (ticks == 6) loop->stop();
  });
  EXPECT_TRUE(busy);
  EXPECT_EQ(ticks, 6);
}

TEST(EventLoop, DestroysWhatItDoesNotRun) {
  auto owned = std::make_shared<int>(0);
  auto loop = make_loop();
  loop->post([&, owned] {
    loop->stop();
    loop->post([&, owned] { loop->post([owned] { ADD_FAILURE(); }); });
  });
  run(*loop);
  loop->post([owned] { ADD_FAILURE(); });
  loop.reset();
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace keyhold::http
