"""System calls made by a process that did not ask for them: ptrace(2) puts them into its hands.

So a test learns what the running program itself may do, under the very rules it runs by. x86-64.
"""

import contextlib
import ctypes
import os
import signal

GETREGS, SETREGS, DETACH, SYSCALL = 12, 13, 17, 24
SINGLESTEP, GETSIGINFO, SEIZE, INTERRUPT = 9, 0x4202, 0x4206, 0x4207
TRACESYSGOOD = 1
SYSCALL_STOP = signal.SIGTRAP | 0x80
SYSCALL_INSTRUCTION = b"\x0f\x05"
BY_SECCOMP = 1  # SYS_SECCOMP, the si_code of a refusal

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    """struct user_regs_struct of <sys/user.h>."""
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


class SignalInfo(ctypes.Structure):
    """siginfo_t as far as a refused system call fills it in."""
    _fields_ = [("number", ctypes.c_int), ("errno", ctypes.c_int), ("code", ctypes.c_int),
                ("padding", ctypes.c_int), ("address", ctypes.c_void_p),
                ("syscall", ctypes.c_int), ("arch", ctypes.c_uint), ("rest", ctypes.c_char * 96)]


class Injector:
    """Holds a process that waits in a system call; `call()` has it make another instead."""

    def __init__(self, pid):
        self.pid = pid
        self._ptrace(SEIZE, 0, TRACESYSGOOD)
        self._ptrace(INTERRUPT)
        self._wait()
        self._saved = self._registers()
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(self._saved.rip - 2)
            assert memory.read(2) == SYSCALL_INSTRUCTION, "the process does not wait in a call"

    def call(self, number, *arguments, deliver=False):
        """(result, refused) of a system call. A refusal is a signal, which the process hears of
        only if it is to be delivered."""
        made = Registers.from_buffer_copy(self._saved)
        made.rip -= 2
        made.rax, made.orig_rax = number, 2**64 - 1
        for name, value in zip("rdi rsi rdx r10 r8 r9".split(), arguments):
            setattr(made, name, value % 2**64)
        self._set(made)
        for _ in range(2):  # into the call, out of it
            self._ptrace(SYSCALL)
            assert self._wait() == SYSCALL_STOP
        result = self._registers().rax
        self._ptrace(SINGLESTEP)  # a refusal comes before the next instruction
        refused = self._wait() == signal.SIGSYS and self._is_refusal(number)
        if refused and deliver:
            result = self._deliver()
        self._set(self._saved)
        return ctypes.c_longlong(result).value, refused

    def release(self):
        self._set(self._saved)
        self._ptrace(DETACH)

    def _deliver(self):
        """Runs the process's own handler; returns what the refused call then seems to give."""
        self._ptrace(SYSCALL, signal_number=signal.SIGSYS)
        for _ in range(20):  # the handler makes two calls
            assert self._wait() == SYSCALL_STOP
            registers = self._registers()
            if registers.rip == self._saved.rip:
                return registers.rax
            self._ptrace(SYSCALL)
        raise AssertionError("the handler does not return")

    def _is_refusal(self, number):
        info = SignalInfo()
        self._ptrace(GETSIGINFO, 0, ctypes.addressof(info))
        return info.code == BY_SECCOMP and info.syscall == number

    def _ptrace(self, request, address=0, data=0, signal_number=0):
        if libc.ptrace(request, self.pid, address, data or signal_number) == -1:
            code = ctypes.get_errno()
            raise OSError(code, f"ptrace({request:#x}): {os.strerror(code)}")

    def _wait(self):
        _, status = os.waitpid(self.pid, 0)
        assert os.WIFSTOPPED(status), f"the process ended: {status:#x}"
        return os.WSTOPSIG(status)

    def _registers(self):
        registers = Registers()
        self._ptrace(GETREGS, 0, ctypes.addressof(registers))
        return registers

    def _set(self, registers):
        self._ptrace(SETREGS, 0, ctypes.addressof(registers))


@contextlib.contextmanager
def injected(pid):
    """An Injector of the process, which goes on where it was when the block ends."""
    injector = Injector(pid)
    try:
        yield injector
    finally:
        injector.release()
