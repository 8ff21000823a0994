#include "core/lease_clock.h"

#include <gtest/gtest.h>

namespace keyhold::core {
namespace {

class LeaseClockTest : public ::testing::Test {
 protected:
  void expect(UnixMillis now_ms, bool trusted) {
    const LeaseClock::Moment moment = clock_.moment();
    EXPECT_EQ(moment.now_ms - start_ms_, now_ms);
    EXPECT_EQ(moment.trusted, trusted);
  }

  FakeClock wall_;
  const UnixMillis start_ms_ = wall_.now_ms();
  LeaseClock clock_{wall_};
};

TEST_F(LeaseClockTest, FollowsTheWallClock) {
  expect(0, true);
  wall_.advance_ms(10);
  expect(10, true);
  wall_.advance_ms(100ll * 365 * 24 * 3600 * 1000);
  expect(10 + 100ll * 365 * 24 * 3600 * 1000, true);
}

TEST_F(LeaseClockTest, StandsStillWhenSetBackALittle) {
  wall_.advance_ms(50'000);
  expect(50'000, true);
  wall_.step_wall_ms(-30'000);
  expect(50'000, true);
  wall_.advance_ms(29'000);
  expect(50'000, true);
  wall_.advance_ms(2'000);
  expect(51'000, true);
}

TEST_F(LeaseClockTest, IsNotTrustedAfterAJumpAndGoesOnByTheBootClock) {
  for (const std::int64_t step_ms : {3'600'000ll, -3'600'000ll, 60'001ll, -60'001ll}) {
    const UnixMillis before_ms = clock_.now_ms() - start_ms_;
    wall_.step_wall_ms(step_ms);
    expect(before_ms, false);
    wall_.advance_ms(5'000);
    expect(before_ms + 5'000, false);
    wall_.step_wall_ms(-step_ms);
    expect(before_ms + 5'000, true);
  }
}

TEST_F(LeaseClockTest, AHeldWallClockHoldsTimeForAMinuteAtMost) {
  const auto hold_ms = [this](std::int64_t ms) {
    wall_.advance_ms(ms);
    wall_.step_wall_ms(-ms);
  };
  for (int second = 0; second < 60; ++second) {
    hold_ms(1'000);
    expect(0, true);
  }
  hold_ms(1'000);
  expect(61'000, false);
  hold_ms(3'600'000);
  expect(3'661'000, false);
  wall_.step_wall_ms(3'661'000);
  expect(3'661'000, true);
}

TEST_F(LeaseClockTest, AStepOfAMinuteIsTaken) {
  wall_.step_wall_ms(LeaseClock::kDriftMaxMs);
  expect(60'000, true);
}

TEST_F(LeaseClockTest, ManySmallStepsOverHoursAreTaken) {
  std::int64_t passed_ms = 0;
  for (int hour = 0; hour < 10; ++hour) {
    wall_.advance_ms(3'600'000);
    wall_.step_wall_ms(50'000);
    passed_ms += 3'650'000;
    expect(passed_ms, true);
  }
}

TEST_F(LeaseClockTest, StartingAnewConfirmsTheWallClock) {
  wall_.step_wall_ms(3'600'000);
  expect(0, false);
  clock_.start(0);
  expect(3'600'000, true);
  wall_.step_wall_ms(-7'200'000);
  expect(3'600'000, false);
  clock_.start(0);
  expect(3'600'000, true);  // Stands still until the wall clock gets there.
}

TEST_F(LeaseClockTest, IsNeverBeforeWhatTheStoreHasSeen) {
  clock_.start(start_ms_ + 5'000);
  expect(5'000, true);
  wall_.advance_ms(5'001);
  expect(5'001, true);
}

}  // namespace
}  // namespace keyhold::core
