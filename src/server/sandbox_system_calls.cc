#include <linux/fs.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "server/sandbox.h"

namespace keyhold::server {
namespace {

/// What the server, RocksDB, OpenSSL, libcurl and glibc use once it serves. A name that this machine does not have is left out.
constexpr auto kAllowed = std::to_array<const char*>({
    // Files that Landlock confines.
    "access", "chmod", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
    "fallocate", "fchmod", "fchmodat", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents",
    "getdents64", "link", "linkat", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2",
    "rmdir", "sendfile", "stat", "statfs", "statx", "sync_file_range", "truncate", "umask", "unlink", "unlinkat", "utimensat", "write", "writev",
    // Connections.
    "accept", "accept4", "connect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2",
    "getpeername", "getsockname", "getsockopt", "pipe", "pipe2", "poll", "ppoll", "pselect6", "recvfrom", "recvmmsg", "recvmsg", "select",
    "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    // Memory and threads.
    "brk", "exit", "exit_group", "futex", "futex_waitv", "get_robust_list", "getcpu", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mremap",
    "msync", "munlock", "munmap", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_yield", "set_robust_list", "set_tid_address", "sigaltstack", "sigreturn",
    // Time, and what the process is.
    "clock_getres", "clock_gettime", "clock_nanosleep", "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid", "getrandom",
    "getresgid", "getresuid", "getrlimit", "getrusage", "gettid", "gettimeofday", "getuid", "nanosleep", "sysinfo", "time", "timerfd_create",
    "timerfd_gettime", "timerfd_settime", "times", "ugetrlimit", "uname",
});

/// What no server has a use for and whoever took one over does: the process ends. Anything else that is not allowed fails with EPERM.
constexpr auto kFatal = std::to_array<const char*>({
    "add_key", "bpf", "execve", "execveat", "finit_module", "fsconfig", "fsmount", "fsopen", "init_module", "kexec_file_load", "kexec_load", "keyctl",
    "mount", "move_mount", "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root", "process_madvise",
    "process_vm_readv", "process_vm_writev", "ptrace", "request_key", "setns", "umount2", "unshare", "userfaultfd",
});

/// Builds a filter. Whether all its rules were taken is known at its end.
class Filter {
 public:
  explicit Filter(std::uint32_t otherwise) : context_(::seccomp_init(otherwise), ::seccomp_release), good_(context_ != nullptr) {}

  void set(scmp_filter_attr attribute, std::uint32_t value) { note(::seccomp_attr_set(context_.get(), attribute, value)); }
  void add(std::uint32_t action, std::span<const char* const> names) {
    for (const char* name : names) add(action, name, {});
  }
  /// With arguments that all hold.
  void add(std::uint32_t action, const char* name, std::span<const scmp_arg_cmp> arguments) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || !good_) return;
    note(::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(arguments.size()), arguments.data()));
  }
  void allow_if(const char* name, std::initializer_list<scmp_arg_cmp> arguments) {
    add(SCMP_ACT_ALLOW, name, std::span<const scmp_arg_cmp>(arguments.begin(), arguments.size()));
  }
  bool load() {
    if (good_) note(::seccomp_load(context_.get()));
    return good_;
  }

 private:
  void note(int result) {
    if (result < 0) {
      errno = -result;
      good_ = false;
    }
  }

  const std::unique_ptr<void, decltype(&::seccomp_release)> context_;
  bool good_;
};

scmp_arg_cmp is(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp has(unsigned argument, std::uint64_t mask, std::uint64_t value) { return {argument, SCMP_CMP_MASKED_EQ, mask, value}; }

void allow_by_argument(Filter& filter) {
  // Threads, but no processes, and no namespaces. What is in memory cannot be looked at: glibc goes back to clone().
  filter.allow_if("clone", {has(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM)});
  filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3", {});
  for (const std::uint64_t family : {AF_UNIX, AF_INET, AF_INET6}) {
    for (const std::uint64_t type : {SOCK_STREAM, SOCK_DGRAM}) {
      constexpr std::uint64_t kTypeMask = ~static_cast<std::uint64_t>(SOCK_CLOEXEC | SOCK_NONBLOCK) & 0xffffffff;
      filter.allow_if("socket", {is(0, family), has(1, kTypeMask, type)});
    }
  }
  filter.allow_if("socketpair", {is(0, AF_UNIX)});
  // Not TIOCSTI, which types into the terminal that the server was started at. RocksDB asks for a file's generation.
  for (const std::uint64_t request : {std::uint64_t{FIONBIO}, std::uint64_t{FIONREAD}, std::uint64_t{TCGETS}, std::uint64_t{FS_IOC_GETVERSION}}) {
    filter.allow_if("ioctl", {has(1, 0xffffffff, request)});
  }
  // Never written and run at once, nor one after the other; libraries are mapped to be run from their files.
  for (const std::uint64_t protection : {0, PROT_WRITE, PROT_EXEC}) {
    filter.allow_if("mmap", {has(2, PROT_WRITE | PROT_EXEC, protection)});
  }
  filter.allow_if("mprotect", {has(2, PROT_EXEC, 0)});
  filter.allow_if("prctl", {is(0, PR_SET_NAME)});
  filter.allow_if("prctl", {is(0, PR_GET_NAME)});
  filter.allow_if("prctl", {is(0, PR_GET_DUMPABLE)});
  filter.allow_if("prlimit64", {is(2, 0)});  // To ask.
  // To itself, as abort() does.
  const auto self = static_cast<std::uint64_t>(::getpid());
  filter.allow_if("tgkill", {is(0, self)});
  filter.allow_if("kill", {is(0, self)});
}

}  // namespace

Result<std::vector<std::string>> confine_system_calls(SandboxMode mode) {
  if (mode == SandboxMode::kOff) return std::vector<std::string>{};
  if (::prctl(PR_GET_SECCOMP) < 0) return std::vector<std::string>{"the kernel has no seccomp: system calls are not confined"};
  const bool enforced = mode == SandboxMode::kOn;
  Filter filter(enforced ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG);
  filter.set(SCMP_FLTATR_CTL_TSYNC, 1);     // All threads.
  filter.set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // A search in place of a list, where the kernel does not remember what is allowed.
  filter.add(SCMP_ACT_ALLOW, kAllowed);
  allow_by_argument(filter);
  if (enforced) filter.add(SCMP_ACT_KILL_PROCESS, kFatal);
  if (!filter.load()) return Error{Code::kInternal, std::string("sandbox: seccomp: ") + std::strerror(errno)};
  return std::vector<std::string>{};
}

}  // namespace keyhold::server
